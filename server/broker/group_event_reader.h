#ifndef EVENTBUS_SERVER_BROKER_GROUP_EVENT_READER_H_
#define EVENTBUS_SERVER_BROKER_GROUP_EVENT_READER_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "server/broker/context.h"
#include "server/broker/group_event_state.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"
#include "server/store/entry.h"

namespace eventbus {

// What the broker round it knows.
class EventWitness {
 public:
  virtual ~EventWitness() = default;
  // Whether this incarnation is known to be running.
  virtual bool IsAlive(const std::string& incarnation) const = 0;
  // What this instance knows of an event of a stream, which may be a side stream, in a group;
  // nullopt: it does not hold it.
  virtual std::optional<GroupEventState> HeldHere(const std::string& group,
                                                  const std::string& stream,
                                                  Position event) const = 0;
};

// GroupEventReader asks the store what a group has done with an event. It asks in the order in
// which an event goes: read, pending, a dead letter, redriven; so one that moves meanwhile is seen
// somewhere.
//
// Owned by EventHistory. Loop thread only.
class GroupEventReader {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<GroupEventState>)>;

  // Both must outlive it.
  GroupEventReader(const Context* context, const EventWitness* witness)
      : context_(context), witness_(witness) {}

  void Read(KnownGroup group, TypeRecord type, Position event, Done done);

 private:
  class Look;

  const Context* const context_;
  const EventWitness* const witness_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_EVENT_READER_H_
