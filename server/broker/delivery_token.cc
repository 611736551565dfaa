#include "server/broker/delivery_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "server/broker/reason.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

// The first byte of every token.
constexpr char kVersion = 1;

void AppendText(absl::string_view text, std::string* out) {
  AppendVarint(text.size(), out);
  out->append(text.data(), text.size());
}

bool TakeNumber(WireReader* in, uint64_t* value) { return in->ReadVarint(value); }

bool TakeNumber(WireReader* in, uint32_t* value) {
  uint64_t wide = 0;
  if (!in->ReadVarint(&wide) || wide > UINT32_MAX) return false;
  *value = static_cast<uint32_t>(wide);
  return true;
}

bool TakeText(WireReader* in, std::string* text) {
  absl::string_view view;
  if (!in->ReadLengthDelimited(&view)) return false;
  text->assign(view.data(), view.size());
  return true;
}

}  // namespace

std::string DeliveryToken::Encode() const {
  std::string raw;
  raw.reserve(48 + group.name.size() + stream.size());
  raw.push_back(kVersion);
  AppendText(group.name, &raw);
  AppendVarint(group.generation, &raw);
  AppendText(stream, &raw);
  AppendVarint(position.entry.ms, &raw);
  AppendVarint(position.entry.seq, &raw);
  AppendVarint(position.index, &raw);
  AppendVarint(attempt, &raw);
  AppendVarint(times_delivered, &raw);
  return absl::WebSafeBase64Escape(raw);
}

absl::StatusOr<DeliveryToken> DeliveryToken::Decode(absl::string_view text) {
  std::string raw;
  DeliveryToken token;
  if (absl::WebSafeBase64Unescape(text, &raw) && !raw.empty() && raw[0] == kVersion) {
    WireReader in(absl::string_view(raw).substr(1));
    if (TakeText(&in, &token.group.name) && TakeNumber(&in, &token.group.generation) &&
        TakeText(&in, &token.stream) && TakeNumber(&in, &token.position.entry.ms) &&
        TakeNumber(&in, &token.position.entry.seq) && TakeNumber(&in, &token.position.index) &&
        TakeNumber(&in, &token.attempt) && TakeNumber(&in, &token.times_delivered) && in.AtEnd()) {
      return token;
    }
  }
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kBadPosition,
                   "not a delivery token of this broker; use the text of a delivery's `tokens` "
                   "unchanged");
}

}  // namespace eventbus
