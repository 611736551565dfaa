#ifndef EVENTBUS_SERVER_STORE_APPEND_ONCE_H_
#define EVENTBUS_SERVER_STORE_APPEND_ONCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/store/bytes.h"
#include "server/store/delayed.h"
#include "server/store/entry.h"

namespace eventbus {

// A stream remembers at most so many keys, however long its window: past that the oldest are
// forgotten early.
inline constexpr uint64_t kMostRememberedKeys = 1'000'000;

// One event of an AppendOnceRequest.
struct OnceEvent {
  // Bytes of its frame; frames lie one behind the other in the request's value.
  uint32_t size = 0;
  // What makes two events of a stream the same one. Empty: it is no other's duplicate.
  std::string key;
  // When it expires, in Unix ms; 0: never.
  int64_t expires_ms = 0;
  // It is kept apart until then, and moved into the log by MoveDue.
  std::optional<DeliveryDelay> delay;
};

// Events to be appended together as one entry, but for those whose key the stream has seen within
// `window`, by the store's clock, and those that are delayed.
struct AppendOnceRequest {
  std::string stream;
  Bytes value;
  std::vector<OnceEvent> events;
  // 0: keys are neither looked up nor remembered.
  absl::Duration window;
};

// What became of one event.
struct OnceOutcome {
  // Where it is: in the new entry, or where its key was first. Of a delayed event none.
  Position position;
  // Its key was seen before.
  bool duplicate = false;
  // Of a delayed event, waiting or not: its id (DelayedEvent). Empty otherwise.
  std::string delayed_id;
  // Of an event delayed by this call.
  absl::Time due = absl::InfinitePast();
};

struct AppendOnceResult {
  // One for each event of the request. Those that are no duplicates are in one entry, in order.
  std::vector<OnceOutcome> events;
  absl::Time store_time;
  // Delayed events of the stream that wait now, if the request had any.
  uint64_t waiting = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_APPEND_ONCE_H_
