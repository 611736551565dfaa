#ifndef EVENTBUS_SERVER_BROKER_EVENT_FINDER_H_
#define EVENTBUS_SERVER_BROKER_EVENT_FINDER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/recorded_event.h"
#include "server/store/entry.h"

namespace eventbus {

// What an event is called, within a time.
struct EventName {
  std::string type;
  std::string id;
  // Empty: any.
  std::string source;
  // Stored at or after `since` and before `until`, by the store's clock.
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  // Whether nobody waits for the answer any more. May be null.
  std::function<bool()> cancelled;
};

struct FoundEvent {
  RecordedEvent event;
  // Others that are called the same.
  uint32_t further_matches = 0;
};

// EventFinder looks for one event in the store. Errors: NOT_FOUND (kStreamNotFound).
//
// Owned by EventHistory. Loop thread only.
class EventFinder {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<FoundEvent>)>;

  explicit EventFinder(const Context* context) : context_(context) {}

  void FindAt(std::string stream, Position position, Done done);
  // The last one of this name. Reads through the stream.
  void FindNamed(EventName name, Done done);

 private:
  class Scan;

  const Context* const context_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_FINDER_H_
