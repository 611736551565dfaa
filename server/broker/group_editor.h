#ifndef EVENTBUS_SERVER_BROKER_GROUP_EDITOR_H_
#define EVENTBUS_SERVER_BROKER_GROUP_EDITOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/group_definition.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"

namespace eventbus {

struct UpdateGroupCommand {
  std::string name;
  // Nullopt: they stay. Valid ones.
  std::optional<std::vector<std::string>> patterns;
  GroupPolicyChange policy;
  // What `policy` does not set goes back to the default.
  bool reset_policy = false;
  std::optional<uint64_t> revision;
  // Only if the stored revision is this one.
  std::optional<uint64_t> expected_revision;
};

struct SeekGroupCommand {
  std::string name;
  StartPosition target;
  // Empty: all streams of the group.
  std::vector<std::string> streams;
  bool dry_run = false;
};

struct SeekResult {
  KnownGroup group;
  uint64_t repeated_events = 0;
  uint64_t skipped_events = 0;
  bool estimated = false;
};

// GroupEditor changes the definitions of groups that exist. The registry's version of a definition
// is compared with the one that the change was made for, and the change is made again if somebody
// else was faster; so every change is whole, whichever instances make some at the same time. All
// instances follow when they hear of it.
//
// Errors: NOT_FOUND (kGroupNotFound); UNAVAILABLE where the store fails, and where the definition
// changes all the time.
//
// Owned by the broker. Loop thread only.
class GroupEditor {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;
  // Changes a copy of the group; an error ends the edit. May be called several times.
  using Change = std::function<absl::Status(KnownGroup* group)>;

  GroupEditor(const Context* context, Registry* registry);

  void Edit(std::string name, Change change, Done<KnownGroup> done);

  // No deliveries until Resume, or until `until`, by the store's clock.
  void Pause(std::string name, absl::Time until, Done<KnownGroup> done);
  void Resume(std::string name, Done<KnownGroup> done);
  // FAILED_PRECONDITION (kGroupChanged) if the stored revision is not the expected one.
  void Update(UpdateGroupCommand command, Done<KnownGroup> done);
  void Seek(SeekGroupCommand command, Done<SeekResult> done);

 private:
  // What has to be done on streams before a definition changes, and after.
  struct Plan {
    KnownGroup before;
    KnownGroup after;
    std::vector<CreateGroupRequest> create;
    std::vector<std::pair<std::string, GroupKey>> destroy;
    // Streams that are registered and not there yet are to be created with the group.
    bool gives_birth = false;
  };
  using Planner = std::function<absl::StatusOr<Plan>(const KnownGroup& before)>;
  struct Transition;
  struct SeekCount;

  void Run(std::string name, Planner planner, Done<Plan> done);
  void Look(const std::shared_ptr<Transition>& transition);
  void Begin(const std::shared_ptr<Transition>& transition);
  void Store(const std::shared_ptr<Transition>& transition);
  // Runs `next` when the groups are there; streams that are not born yet are born with them, or
  // left out.
  void CreateGroups(const std::vector<CreateGroupRequest>& requests, bool give_birth,
                    absl::AnyInvocable<void(const absl::Status&)> next);
  void DestroyGroups(const std::vector<std::pair<std::string, GroupKey>>& groups);
  absl::StatusOr<Plan> PlanSeek(const KnownGroup& before, const SeekGroupCommand& command,
                                uint64_t generation) const;
  // All types are known that there were when it was asked for.
  void SeekKnown(SeekGroupCommand command, Done<SeekResult> done);
  void SeekTo(SeekGroupCommand command, const KnownGroup& reserved, Done<SeekResult> done);
  // What the seek would repeat and skip, from how much is unread before and after.
  void CountSeek(Plan plan, Done<SeekResult> done);

  const Context* const context_;
  Registry* const registry_;
  Lifetime lifetime_;
};

// Patterns, policy and revision as the command wants them. Pure.
absl::Status ApplyUpdate(const UpdateGroupCommand& command, const GroupPolicy& default_policy,
                         KnownGroup* group);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_EDITOR_H_
