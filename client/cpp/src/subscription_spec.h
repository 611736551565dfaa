#ifndef EVENTBUS_CLIENT_CPP_SRC_SUBSCRIPTION_SPEC_H_
#define EVENTBUS_CLIENT_CPP_SRC_SUBSCRIPTION_SPEC_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/src/connection.h"
#include "eventbus/subscription.h"
#include "eventbus/v1/broker.pb.h"

namespace eventbus::client {

v1::StartPosition ToProto(const StartAt& start);

// What a subscription asks for, with names and defaults decided. A value.
struct SubscriptionSpec {
  // Decides the group; reserves a durable one on the connection (ALREADY_EXISTS if it is in use
  // there).
  static absl::StatusOr<SubscriptionSpec> ForGroup(Connection& connection,
                                                   std::vector<std::string> patterns,
                                                   SubscribeOptions options);
  static SubscriptionSpec ForTail(const Connection& connection, std::vector<std::string> patterns,
                                  TailOptions options);

  // The first message of a stream. Its start and, for a group whose name the server makes, its name
  // are the caller's to adapt when it opens another one.
  v1::SubscribeOpen open;
  bool tail = false;
  // Reserved in Connection::groups, to be left when the subscription ends. Empty: none.
  std::string reserved_group;
  int handler_threads = 1;
  // Of a tail: what may wait for the handler before reading stops. 0: groups, which the server
  // limits.
  uint64_t max_waiting = 0;
  uint64_t max_waiting_bytes = 0;
  absl::Duration open_timeout;
  std::function<void(const SubscriptionInfo&)> on_open;
  std::function<void(const absl::Status&)> on_interruption;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_SUBSCRIPTION_SPEC_H_
