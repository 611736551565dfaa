#ifndef EVENTBUS_CLIENT_CPP_SRC_HEALTH_H_
#define EVENTBUS_CLIENT_CPP_SRC_HEALTH_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace eventbus::client {

// grpc.health.v1.Health.Check of the whole server. UNAVAILABLE when it says that it is not serving,
// and when nobody answers; `answered`, if given, tells which. Blocks up to `timeout`.
absl::Status CheckHealth(const std::shared_ptr<grpc::Channel>& channel, absl::Duration timeout,
                         bool* answered = nullptr);

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_HEALTH_H_
