#ifndef EVENTBUS_SERVER_RPC_SUBSCRIBER_MESSAGES_H_
#define EVENTBUS_SERVER_RPC_SUBSCRIBER_MESSAGES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "eventbus/v1/broker.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/delivery_token.h"
#include "server/broker/subscription.h"

namespace eventbus {

// What the server says on a subscriber's call besides deliveries, as the messages of one of the two
// RPCs. Pure; any thread.
class SubscriberMessages {
 public:
  virtual ~SubscriberMessages() = default;
  virtual grpc::ByteBuffer Opened(const OpenedInfo& info, absl::Duration heartbeat) const = 0;
  virtual grpc::ByteBuffer Ping(uint64_t number) const = 0;
  virtual grpc::ByteBuffer Drain(absl::Time deadline, absl::string_view message) const = 0;
  // By whichever of the two the RPC's deliveries are settled; nothing else. As many messages as it
  // takes to keep each below the bound on messages.
  virtual std::vector<grpc::ByteBuffer> Lost(const std::vector<DeliveryRange>& deliveries,
                                             LostReason reason, absl::string_view message) const;
  virtual std::vector<grpc::ByteBuffer> TokensLost(const std::vector<DeliveryToken>& tokens,
                                                   LostReason reason,
                                                   absl::string_view message) const;
  // Only where clients can ask: Subscribe.
  virtual std::optional<grpc::ByteBuffer> Pong(uint64_t number) const = 0;
  virtual std::optional<grpc::ByteBuffer> Settled(const SettledInfo& settled) const = 0;
};

const SubscriberMessages& SubscribeMessages();
const SubscriberMessages& ReceiveMessages();

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_SUBSCRIBER_MESSAGES_H_
