#ifndef EVENTBUS_SERVER_BROKER_STATE_RECORD_H_
#define EVENTBUS_SERVER_BROKER_STATE_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// What an instance leaves behind of an entry whose events fare differently, so that whoever takes
// the entry over goes on where it was: which events are settled, and what the others have been
// through. Value type; any thread.
//
// Encoding, version 2 (numbers are base-128 varints as in protobuf):
//   0x02 · number of events · bitmap of the settled ones, lowest bit first · when the first of its
//   events was first delivered (Unix ms, 0: unknown) · then for each event that is not settled and
//   has something to tell: index + 1 · failed attempts · crashes · due time (Unix ms, 0: at once) ·
//   number of reasons · each reason with its length before it · and 0 at the end.
// Version 3 is the same, and has behind the time of the first delivery: how much mail was read. It
// is written only where some was, so that instances of before read the others.
// All times are of the store's clock.
struct StateRecord {
  struct EventState {
    bool settled = false;
    // Nacks and passed deadlines so far.
    uint32_t failed_attempts = 0;
    // Abruptly broken streams so far.
    uint32_t crashes = 0;
    // When the retry is due, by the store's clock; 0: at once.
    uint64_t due_ms = 0;
    // Why attempts have failed, the last one last; not more than kMaxReasons.
    std::vector<std::string> reasons;

    friend bool operator==(const EventState&, const EventState&) = default;
  };
  static constexpr size_t kMaxReasons = 10;

  std::vector<EventState> events;
  uint64_t first_delivered_ms = 0;
  // Of the entry's mail (settle_mail.h), in bytes: what was obeyed or refused, and must not be
  // obeyed once more.
  uint64_t mail_read = 0;

  std::string Encode() const;
  // DATA_LOSS if it is malformed or of an unknown version.
  static absl::StatusOr<StateRecord> Decode(absl::string_view bytes);

  friend bool operator==(const StateRecord&, const StateRecord&) = default;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_STATE_RECORD_H_
