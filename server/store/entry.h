#ifndef EVENTBUS_SERVER_STORE_ENTRY_H_
#define EVENTBUS_SERVER_STORE_ENTRY_H_

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/bytes.h"

namespace eventbus {

// EntryId names an entry within its stream, and orders it: the store's clock in milliseconds when
// it was appended, then a sequence within that millisecond. Never goes down within a stream,
// whatever the clock does.
struct EntryId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  static constexpr EntryId Min() { return {0, 0}; }
  static constexpr EntryId Max() {
    return {std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint64_t>::max()};
  }

  // The id right after / right before this one. Max().Next() is Max(); Min().Previous() is Min().
  EntryId Next() const;
  EntryId Previous() const;

  // "1700000000000-3".
  std::string ToString() const;
  static absl::StatusOr<EntryId> Parse(absl::string_view text);

  friend auto operator<=>(const EntryId&, const EntryId&) = default;  // NOLINT: no pointer here

  template <typename H>
  friend H AbslHashValue(H h, const EntryId& id) {
    return H::combine(std::move(h), id.ms, id.seq);
  }
};

// Position of one event: its entry and its index therein.
struct Position {
  EntryId entry;
  uint32_t index = 0;

  // "1700000000000-3-0": what clients see. URL-safe.
  std::string ToString() const;
  // INVALID_ARGUMENT if it is not of that form.
  static absl::StatusOr<Position> Parse(absl::string_view text);

  friend auto operator<=>(const Position&, const Position&) = default;  // NOLINT: no pointer here
};

// One record of a stream: one or more events, appended together. The value is the protobuf encoding
// of `repeated Event events = 1`, byte for byte what goes to subscribers.
struct Entry {
  EntryId id;
  Bytes value;
  // Of a redriven event: the details of its dead letter. Empty otherwise.
  std::string note;
  // When the first of its events expires, in Unix ms; 0: never.
  int64_t expires_ms = 0;
};

// The earlier of two times in Unix ms of which 0 is never.
constexpr int64_t EarlierExpiry(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return a + b;
  return a < b ? a : b;
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_ENTRY_H_
