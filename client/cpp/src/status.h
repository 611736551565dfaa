#ifndef EVENTBUS_CLIENT_CPP_SRC_STATUS_H_
#define EVENTBUS_CLIENT_CPP_SRC_STATUS_H_

#include "absl/status/status.h"

namespace grpc {
class Status;
}  // namespace grpc
namespace eventbus::v1 {
class EventError;
}  // namespace eventbus::v1

// How the broker's errors become absl::Status. Pure functions, for any thread.
namespace eventbus::client {

// Code, message and details, which errors.h reads.
absl::Status FromGrpc(const grpc::Status& status);

// As if a call with this event alone had failed.
absl::Status FromEventError(const v1::EventError& error);

// Repeating cannot succeed: UNIMPLEMENTED, INVALID_ARGUMENT and the like.
bool IsPermanent(const absl::Status& status);

// The broker says that the event may be published again at once or later.
bool IsRetryableForEvent(const absl::Status& status);

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_STATUS_H_
