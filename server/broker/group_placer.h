#ifndef EVENTBUS_SERVER_BROKER_GROUP_PLACER_H_
#define EVENTBUS_SERVER_BROKER_GROUP_PLACER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"

namespace eventbus {

// Creates the group on one stream, where it is to begin there (a type younger than the group: with
// its first event), unless it is there. A type that is registered and not born yet is born, with
// all its groups. `lifetime` is that of the caller; `done` is to be guarded by it.
void PlaceGroup(const Context& context, const Registry& registry, const Lifetime& lifetime,
                const KnownGroup& group, const TypeRecord& type,
                std::function<void(const absl::Status&)> done);

// What creates a stream together with all groups that are on it.
CreateStreamRequest BirthOf(const Registry& registry, std::string stream);

// GroupPlacer creates groups that nobody subscribes to yet on the streams that they have from the
// beginning. It tries again for as long as the store fails: until then events may be published that
// the group would miss.
//
// Owned by the broker. Loop thread only.
class GroupPlacer {
 public:
  GroupPlacer(const Context* context, const Registry* registry);

  // `done` when the group is on all streams that are older than itself, or is gone.
  void Place(std::string name, absl::AnyInvocable<void()> done);

 private:
  struct Placing {
    std::string name;
    absl::AnyInvocable<void()> done;
    std::unique_ptr<Timer> retry;
  };

  void PlaceOnAll(const std::shared_ptr<Placing>& placing);
  void Retry(const std::shared_ptr<Placing>& placing);

  const Context* const context_;
  const Registry* const registry_;
  // Until their timers fire.
  absl::flat_hash_set<std::shared_ptr<Placing>> waiting_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_PLACER_H_
