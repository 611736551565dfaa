#ifndef EVENTBUS_SERVER_BROKER_GROUP_ADMIN_H_
#define EVENTBUS_SERVER_BROKER_GROUP_ADMIN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/group_state.h"
#include "server/broker/group_state_reader.h"
#include "server/broker/lifetime.h"
#include "server/broker/page_request.h"
#include "server/broker/registry.h"

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
  GroupAdmin(const Context* context, Registry* registry);

  void List(GroupQuery query, Done<GroupPage> done);
  // With a page of its streams; the state is of all of them. NOT_FOUND (kGroupNotFound).
  void Get(std::string name, PageRequest page, Done<GroupWithStreams> done);

 private:
  std::vector<GroupOnStream> StreamsOf(const KnownGroup& group) const;
  GroupPage PageOf(const GroupQuery& query) const;
  void AddStates(GroupPage page, Done<GroupPage> done);

  const Context* const context_;
  Registry* const registry_;
  GroupStateReader states_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_ADMIN_H_
