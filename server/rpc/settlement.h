#ifndef EVENTBUS_SERVER_RPC_SETTLEMENT_H_
#define EVENTBUS_SERVER_RPC_SETTLEMENT_H_

#include "absl/status/statusor.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/broker.h"
#include "server/broker/subscription.h"

// What clients say about deliveries, as commands for the broker. A reason that is too long is cut,
// a time out of range is INVALID_ARGUMENT and named. Pure; any thread.
namespace eventbus {

// By delivery numbers (Subscribe). Numbers that follow each other become one range.
absl::StatusOr<SettleCommand> ReadSettlement(const v1::Settlement& settlement);

// By tokens (Settle); without `done`. A malformed token is INVALID_ARGUMENT and named by its path.
absl::StatusOr<TokenSettleCommand> ReadSettleRequest(const v1::SettleRequest& request);

// `settlement` is the answer to what `request` became.
v1::SettleResponse WriteSettleResponse(const v1::SettleRequest& request,
                                       const TokenSettlement& settlement);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_SETTLEMENT_H_
