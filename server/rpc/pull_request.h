#ifndef EVENTBUS_SERVER_RPC_PULL_REQUEST_H_
#define EVENTBUS_SERVER_RPC_PULL_REQUEST_H_

#include "absl/status/statusor.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/pulls.h"

namespace eventbus {

// Checks `request` against the contract and fills in the defaults; without `done`, and `peer` is
// left for the caller to set. Errors name the field, as in `group.patterns[1]`. Pure; any thread.
absl::StatusOr<PullCommand> ReadPullRequest(const v1::PullRequest& request);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PULL_REQUEST_H_
