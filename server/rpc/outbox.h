#ifndef EVENTBUS_SERVER_RPC_OUTBOX_H_
#define EVENTBUS_SERVER_RPC_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "grpcpp/support/byte_buffer.h"
#include "server/broker/subscription.h"
#include "server/rpc/delivery_encoder.h"

namespace eventbus {

// What waits to be written to one subscriber. Deliveries that wait together share a message, which
// is what makes a busy subscriber cheap; with a batch shape in force each hand-over by the broker
// stays a message of its own. The order of messages is kept, but for pings and pongs, which go
// first and of which there is one each at most.
//
// Its size is bounded from outside: deliveries by the in-flight limits, other messages by not
// reading on (see waiting_messages). Not synchronised.
class Outbox {
 public:
  // To be set before the first delivery.
  void SetFormat(DeliveryFormat format, bool keep_batches);

  // Nothing goes before the first message.
  void AddMessage(const grpc::ByteBuffer& message);
  void AddDeliveries(std::vector<DeliveryRun> runs);
  // Replace what waits of their kind.
  void SetPing(const grpc::ByteBuffer& ping) { ping_ = ping; }
  void SetPong(const grpc::ByteBuffer& pong) { pong_ = pong; }

  // Forgets deliveries that were not taken.
  void DropDeliveries();

  // True if there is nothing to take now.
  bool empty() const { return items_.empty() && (!begun_ || (!ping_ && !pong_)); }
  bool has_ping() const { return ping_.has_value(); }
  // Other than deliveries, pings and pongs.
  size_t waiting_messages() const { return waiting_messages_; }

  // The next message; its counts are zero unless it has deliveries. REQUIRES: not empty.
  DeliveryMessage Take();

 private:
  struct Item {
    // Either a message or deliveries.
    std::optional<grpc::ByteBuffer> message;
    std::deque<DeliveryRun> runs;
  };

  DeliveryFormat format_;
  bool keep_batches_ = false;
  // The first message was taken.
  bool begun_ = false;
  std::deque<Item> items_;
  size_t waiting_messages_ = 0;
  std::optional<grpc::ByteBuffer> ping_;
  std::optional<grpc::ByteBuffer> pong_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_OUTBOX_H_
