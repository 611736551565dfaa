#include "server/broker/state_record.h"

#include <cstddef>

#include "absl/status/status.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

constexpr char kVersion = 2;
constexpr char kVersionWithMail = 3;

bool HasMore(const StateRecord::EventState& event) {
  return !event.settled && (event.failed_attempts != 0 || event.crashes != 0 || event.due_ms != 0 ||
                            !event.reasons.empty());
}

bool ReadEvents(WireReader* in, std::vector<StateRecord::EventState>* events) {
  while (true) {
    uint64_t index = 0;
    if (!in->ReadVarint(&index)) return false;
    if (index == 0) return in->AtEnd();
    if (index > events->size()) return false;
    StateRecord::EventState& event = (*events)[index - 1];
    uint64_t failed_attempts = 0;
    uint64_t crashes = 0;
    uint64_t reasons = 0;
    if (!in->ReadVarint(&failed_attempts) || failed_attempts > UINT32_MAX ||
        !in->ReadVarint(&crashes) || crashes > UINT32_MAX || !in->ReadVarint(&event.due_ms) ||
        !in->ReadVarint(&reasons) || reasons > StateRecord::kMaxReasons) {
      return false;
    }
    event.failed_attempts = static_cast<uint32_t>(failed_attempts);
    event.crashes = static_cast<uint32_t>(crashes);
    for (; reasons > 0; --reasons) {
      absl::string_view reason;
      if (!in->ReadLengthDelimited(&reason)) return false;
      event.reasons.emplace_back(reason);
    }
  }
}

}  // namespace

std::string StateRecord::Encode() const {
  std::string out(1, mail_read > 0 ? kVersionWithMail : kVersion);
  AppendVarint(events.size(), &out);
  const size_t bitmap = out.size();
  out.append((events.size() + 7) / 8, '\0');
  for (size_t i = 0; i < events.size(); ++i) {
    if (!events[i].settled) continue;
    const auto byte = static_cast<unsigned char>(out[bitmap + i / 8]);
    out[bitmap + i / 8] = static_cast<char>(byte | 1U << (i % 8));
  }
  AppendVarint(first_delivered_ms, &out);
  if (mail_read > 0) AppendVarint(mail_read, &out);
  for (size_t i = 0; i < events.size(); ++i) {
    const EventState& event = events[i];
    if (!HasMore(event)) continue;
    AppendVarint(i + 1, &out);
    AppendVarint(event.failed_attempts, &out);
    AppendVarint(event.crashes, &out);
    AppendVarint(event.due_ms, &out);
    AppendVarint(event.reasons.size(), &out);
    for (const std::string& reason : event.reasons) {
      AppendVarint(reason.size(), &out);
      out += reason;
    }
  }
  AppendVarint(0, &out);
  return out;
}

absl::StatusOr<StateRecord> StateRecord::Decode(absl::string_view bytes) {
  const absl::Status malformed = absl::DataLossError("malformed or unknown state record");
  if (bytes.empty()) return malformed;
  const bool has_mail = bytes.front() == kVersionWithMail;
  if (!has_mail && bytes.front() != kVersion) return malformed;
  bytes.remove_prefix(1);
  WireReader header(bytes);
  uint64_t count = 0;
  // A byte of bitmap stands for up to eight events: more than that cannot be in so few bytes.
  if (!header.ReadVarint(&count) || count > bytes.size() * 8) return malformed;
  const size_t bitmap = header.offset();
  const size_t bitmap_size = (count + 7) / 8;
  if (bitmap + bitmap_size > bytes.size()) return malformed;
  StateRecord record;
  record.events.resize(count);
  for (size_t i = 0; i < count; ++i) {
    record.events[i].settled = (bytes[bitmap + i / 8] >> (i % 8)) & 1;
  }
  WireReader rest(bytes.substr(bitmap + bitmap_size));
  if (!rest.ReadVarint(&record.first_delivered_ms)) return malformed;
  if (has_mail && !rest.ReadVarint(&record.mail_read)) return malformed;
  if (!ReadEvents(&rest, &record.events)) return malformed;
  return record;
}

}  // namespace eventbus
