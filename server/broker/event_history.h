#ifndef EVENTBUS_SERVER_BROKER_EVENT_HISTORY_H_
#define EVENTBUS_SERVER_BROKER_EVENT_HISTORY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "server/broker/context.h"
#include "server/broker/event_finder.h"
#include "server/broker/group_event_reader.h"
#include "server/broker/group_event_state.h"
#include "server/broker/lifetime.h"
#include "server/broker/recorded_event.h"
#include "server/broker/registry.h"

namespace eventbus {

struct EventPlace {
  std::string stream;
  Position position;
};

// Which event: by where it is, or by what it is called.
using EventQuery = std::variant<EventPlace, EventName>;

struct EventView {
  RecordedEvent event;
  // Others that are called the same.
  uint32_t further_matches = 0;
  // Of each group that receives its type, by the groups' names.
  std::vector<std::pair<std::string, GroupEventState>> groups;
};

// EventHistory answers what has become of an event.
//
// Owned by the broker. Loop thread only.
class EventHistory {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<EventView>)>;

  // All must outlive it.
  EventHistory(const Context* context, Registry* registry, const EventWitness* witness)
      : registry_(registry), finder_(context), reader_(context, witness) {}

  // NOT_FOUND (kStreamNotFound): no such stream, or no such event in it (any more).
  void Get(EventQuery query, Done done);

 private:
  void Find(EventQuery query, Done done);
  void AddGroups(FoundEvent found, Done done);

  Registry* const registry_;
  EventFinder finder_;
  GroupEventReader reader_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_HISTORY_H_
