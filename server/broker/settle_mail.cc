#include "server/broker/settle_mail.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "server/broker/wire.h"

namespace eventbus {
namespace {

constexpr char kVersion = 1;

bool ReadNumber(WireReader* in, uint32_t* value) {
  uint64_t wide = 0;
  if (!in->ReadVarint(&wide) || wide > std::numeric_limits<uint32_t>::max()) return false;
  *value = static_cast<uint32_t>(wide);
  return true;
}

std::optional<MailedSettle> ReadOne(absl::string_view text) {
  if (text.empty() || text.front() != kVersion) return std::nullopt;
  text.remove_prefix(1);
  WireReader in(text);
  MailedSettle settle;
  uint32_t kind = 0;
  uint64_t duration = 0;
  if (!ReadNumber(&in, &kind) || kind > static_cast<uint32_t>(SettleAction::Kind::kExtend) ||
      !ReadNumber(&in, &settle.index) || !ReadNumber(&in, &settle.attempt) ||
      !ReadNumber(&in, &settle.times_delivered) || !in.ReadVarint(&duration) ||
      duration > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return std::nullopt;
  }
  settle.action.kind = static_cast<SettleAction::Kind>(kind);
  if (duration > 0) {
    settle.action.duration = absl::Milliseconds(static_cast<int64_t>(duration - 1));
  }
  settle.action.reason = std::string(text.substr(in.offset()));
  return settle;
}

}  // namespace

void MailedSettle::AppendTo(std::string* mail) const {
  std::string text(1, kVersion);
  AppendVarint(static_cast<uint64_t>(action.kind), &text);
  AppendVarint(index, &text);
  AppendVarint(attempt, &text);
  AppendVarint(times_delivered, &text);
  uint64_t duration = 0;
  if (action.duration.has_value()) {
    duration = 1 + static_cast<uint64_t>(
                       std::max<int64_t>(absl::ToInt64Milliseconds(*action.duration), 0));
  }
  AppendVarint(duration, &text);
  text += action.reason;
  AppendVarint(text.size(), mail);
  *mail += text;
}

std::vector<MailedSettle> ReadSettleMail(absl::string_view mail) {
  std::vector<MailedSettle> settles;
  WireReader in(mail);
  absl::string_view text;
  while (!in.AtEnd() && in.ReadLengthDelimited(&text)) {
    std::optional<MailedSettle> settle = ReadOne(text);
    if (settle.has_value()) settles.push_back(*std::move(settle));
  }
  return settles;
}

}  // namespace eventbus
