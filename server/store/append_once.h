#ifndef EVENTBUS_SERVER_STORE_APPEND_ONCE_H_
#define EVENTBUS_SERVER_STORE_APPEND_ONCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/store/bytes.h"
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
};

// Events to be appended together as one entry, but for those whose key the stream has seen within
// `window`, by the store's clock.
struct AppendOnceRequest {
  std::string stream;
  Bytes value;
  std::vector<OnceEvent> events;
  // At least 1 ms.
  absl::Duration window;
};

// What became of one event.
struct OnceOutcome {
  // Where it is: in the new entry, or where its key was first.
  Position position;
  bool duplicate = false;
};

struct AppendOnceResult {
  // One for each event of the request. Those that are no duplicates are in one entry, in order.
  std::vector<OnceOutcome> events;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_APPEND_ONCE_H_
