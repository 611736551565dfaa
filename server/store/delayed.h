#ifndef EVENTBUS_SERVER_STORE_DELAYED_H_
#define EVENTBUS_SERVER_STORE_DELAYED_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/store/bytes.h"

namespace eventbus {

// When an event is to be delivered, by the store's clock.
struct DeliveryDelay {
  // At this time. InfinitePast(): after `after`.
  absl::Time at = absl::InfinitePast();
  // This long after the store has got it.
  absl::Duration after;

  friend bool operator==(const DeliveryDelay&, const DeliveryDelay&) = default;
};

// An event that waits for its time.
struct DelayedEvent {
  // Names it within its stream. Ids of equal due times are in the order in which they were given.
  std::string id;
  // To the millisecond.
  absl::Time due;
  absl::Time stored;
  // As an entry would hold it.
  Bytes frame;
  // When it expires, in Unix ms; 0: never.
  int64_t expires_ms = 0;
};

struct MoveDueRequest {
  std::string stream;
  // Bounds of one call, for a store may serve nobody meanwhile.
  uint32_t max_events = 1'000;
  uint64_t max_bytes = uint64_t{1} << 20;
  // Of an entry. Where little is due, entries hold less, down to one event.
  uint32_t max_events_per_entry = 100;
  uint64_t max_entry_bytes = uint64_t{256} << 10;
};

struct MoveDueResult {
  // Moved into the log.
  uint64_t events = 0;
  uint64_t bytes = 0;
  // What still waits, and when the first of it is due; not after store_time: there is more to move.
  uint64_t waiting = 0;
  std::optional<absl::Time> next_due;
  absl::Time store_time;
};

// A stream on which something is delayed.
struct DueStream {
  std::string stream;
  // Nothing is due before.
  absl::Time due;
};

struct ListDueResult {
  // Soonest first.
  std::vector<DueStream> streams;
  absl::Time store_time;
};

struct DelayedInfo {
  uint64_t waiting = 0;
  std::optional<absl::Time> next_due;
};

struct ListDelayedRequest {
  std::string stream;
  // Events due at or after this time; of those due at it, the ones with a higher id.
  absl::Time due_from = absl::UnixEpoch();
  std::string after_id;
  // Events due before this time.
  absl::Time due_before = absl::InfiniteFuture();
  uint32_t max_events = 100;
  // Stops before the event with which the frames would exceed this, but gives at least one.
  uint64_t max_bytes = uint64_t{3} << 20;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_DELAYED_H_
