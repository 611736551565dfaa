#ifndef EVENTBUS_SERVER_BROKER_GROUP_REMOVER_H_
#define EVENTBUS_SERVER_BROKER_GROUP_REMOVER_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"

namespace eventbus {

// GroupRemover removes what is left of groups that are not in the registry any more: on every
// stream their places, what is pending, their state records, dead letters and redriven events. It
// tries again for as long as the store fails.
//
// An instance that has not heard of the deletion yet may make such a group anew where it finds it
// missing, and so may a birth that has begun before. So each is removed once more a little later,
// unless a group of this name has been created meanwhile whose places might be taken for its own.
//
// Owned by the broker. Loop thread only.
class GroupRemover {
 public:
  GroupRemover(const Context* context, Registry* registry);

  static constexpr uint64_t kAllGenerations = std::numeric_limits<uint64_t>::max();

  // Up to a generation: that of a group of which another one of its name is told apart. `done`
  // after the first time. REQUIRES: the registry does not have the group.
  void Remove(std::string name, uint64_t up_to_generation, absl::AnyInvocable<void()> done);

 private:
  struct Removal {
    std::string name;
    uint64_t up_to_generation = kAllGenerations;
    // Null the second time.
    absl::AnyInvocable<void()> done;
    absl::Duration due;
  };

  void RemoveFromAll(const std::shared_ptr<Removal>& removal);
  void OnRemoved(const std::shared_ptr<Removal>& removal, const absl::Status& status);
  void Later(std::shared_ptr<Removal> removal, absl::Duration delay);
  void RunDue();
  // Whether what is stored under the name may be that of another group.
  bool IsTaken(const Removal& removal) const;

  const Context* const context_;
  Registry* const registry_;
  std::deque<std::shared_ptr<Removal>> later_;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_REMOVER_H_
