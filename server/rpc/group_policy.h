#ifndef EVENTBUS_SERVER_RPC_GROUP_POLICY_H_
#define EVENTBUS_SERVER_RPC_GROUP_POLICY_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/group_definition.h"

// Between eventbus.v1.GroupPolicy and the broker's. Pure; any thread.
namespace eventbus {

// The fields that are set, checked against the ranges of the contract. Errors name the field below
// `path`; what this version does not implement is UNIMPLEMENTED.
absl::StatusOr<GroupPolicyChange> ReadGroupPolicy(absl::string_view path,
                                                  const v1::GroupPolicy& policy);

// With all fields set.
v1::GroupPolicy WriteGroupPolicy(const GroupPolicy& policy);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_GROUP_POLICY_H_
