#ifndef EVENTBUS_SERVER_BROKER_GROUP_ADMIN_H_
#define EVENTBUS_SERVER_BROKER_GROUP_ADMIN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/group_placer.h"
#include "server/broker/group_remover.h"
#include "server/broker/group_state.h"
#include "server/broker/group_state_reader.h"
#include "server/broker/instance_directory.h"
#include "server/broker/lifetime.h"
#include "server/broker/page_request.h"
#include "server/broker/registry.h"
#include "server/broker/subscription.h"

namespace eventbus {

// A group as operators see it.
struct GroupView {
  KnownGroup group;
  // By the store's clock.
  absl::Time as_of;
  // Absent where it was not asked for.
  std::optional<GroupState> state;
};

struct GroupQuery {
  std::string name_prefix;
  // Only groups that receive this type. Empty: all.
  std::string type;
  bool with_state = true;
  PageRequest page;
};

struct GroupPage {
  // By name.
  std::vector<GroupView> groups;
  // Empty: no more follow.
  std::string next;
};

struct GroupWithStreams {
  GroupView group;
  // By name.
  std::vector<GroupStreamState> streams;
  // Empty: no more follow.
  std::string next;
};

struct DeleteGroupCommand {
  std::string name;
  // Not if anybody is connected, to any instance.
  bool only_if_idle = false;
  bool dry_run = false;
};

struct CreateGroupCommand {
  // What a subscriber would ask for: name, patterns, policy, start and so on.
  OpenRequest open;
  bool paused = false;
};

// A group and all of its streams, by name.
struct GroupLook {
  GroupView view;
  std::vector<GroupStreamState> streams;
};

// NOT_FOUND (kGroupNotFound).
absl::Status GroupNotFoundError(absl::string_view name);

// GroupAdmin answers operators about groups, and changes groups for them, on whichever instances
// they are served. What it says is as of the call: the registry is read anew for it.
//
// Owned by the broker. Loop thread only.
class GroupAdmin {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  // All must outlive it.
  GroupAdmin(const Context* context, Registry* registry, InstanceDirectory* instances);

  void List(GroupQuery query, Done<GroupPage> done);
  // With a page of its streams; the state is of all of them. NOT_FOUND (kGroupNotFound).
  void Get(std::string name, PageRequest page, Done<GroupWithStreams> done);
  // Answers with the group as it was, when nothing is left of it on any stream. NOT_FOUND
  // (kGroupNotFound); FAILED_PRECONDITION (kGroupInUse).
  void Delete(DeleteGroupCommand command, Done<GroupView> done);
  // Answers when the group is there on every stream: what is published after it, it gets.
  // ALREADY_EXISTS (kGroupExists); RESOURCE_EXHAUSTED (kTooManyGroups).
  void Create(CreateGroupCommand command, Done<GroupView> done);

 private:
  struct Deletion {
    DeleteGroupCommand command;
    Done<GroupView> done;
    int attempts = 0;
  };

  void TryToDelete(const std::shared_ptr<Deletion>& deletion);
  void Unregister(const std::shared_ptr<Deletion>& deletion, GroupView view);
  std::vector<GroupOnStream> StreamsOf(const KnownGroup& group) const;
  GroupPage PageOf(const GroupQuery& query) const;
  void AddStates(GroupTotals totals, GroupPage page, Done<GroupPage> done);
  // A group as it stands on all of its streams.
  void Look(const KnownGroup& group, Done<GroupLook> done);

  const Context* const context_;
  Registry* const registry_;
  InstanceDirectory* const instances_;
  GroupStateReader states_;
  GroupRemover remover_;
  GroupPlacer placer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_ADMIN_H_
