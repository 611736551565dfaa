#ifndef EVENTBUS_SERVER_BROKER_GROUP_OPENER_H_
#define EVENTBUS_SERVER_BROKER_GROUP_OPENER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "server/broker/context.h"
#include "server/broker/group_editor.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"
#include "server/broker/subscription.h"

namespace eventbus {

// The group that a subscriber asked for.
struct OpenedGroup {
  KnownGroup group;
  bool created = false;
};

// What a new group is, by what is asked for and the defaults; made now.
GroupDefinition NewDefinition(const OpenRequest& request, const Context& context);
// RESOURCE_EXHAUSTED (kTooManyGroups).
absl::Status TooManyGroupsError(uint64_t max_groups);

// GroupOpener finds or creates the group that a subscriber asks for, in the registry, and compares
// what is asked for with what is stored.
//
// Owned by the broker. Loop thread only.
class GroupOpener {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<OpenedGroup>)>;

  GroupOpener(const Context* context, Registry* registry, GroupEditor* editor);

  // NOT_FOUND (kGroupNotFound): no such group, and no patterns to create it with.
  // FAILED_PRECONDITION (kGroupMismatch): it differs in what the request sets. RESOURCE_EXHAUSTED
  // (kTooManyGroups). UNAVAILABLE (kStoreUnavailable).
  void Open(const OpenRequest& request, Done done);

 private:
  struct Call {
    OpenRequest request;
    Done done;
    int attempts = 0;
    bool updated = false;
  };

  void Look(const std::shared_ptr<Call>& call);
  void Create(const std::shared_ptr<Call>& call);
  // Makes sure that nobody deletes an expiring group while it is being opened.
  void Touch(const std::shared_ptr<Call>& call, const KnownGroup& group);
  void LookAgain(const std::shared_ptr<Call>& call);
  void Finish(const std::shared_ptr<Call>& call, bool created);
  // The group is known, but perhaps not all types that it has to be on to be open.
  void LearnTypes(const std::shared_ptr<Call>& call, bool created);
  // Changes the group to what the request says.
  void Update(const std::shared_ptr<Call>& call);
  absl::Status Compare(const OpenRequest& request, const KnownGroup& group) const;

  const Context* const context_;
  Registry* const registry_;
  GroupEditor* const editor_;
  uint64_t made_names_ = 0;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_OPENER_H_
