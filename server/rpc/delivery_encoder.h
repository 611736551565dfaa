#ifndef EVENTBUS_SERVER_RPC_DELIVERY_ENCODER_H_
#define EVENTBUS_SERVER_RPC_DELIVERY_ENCODER_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/delivery_token.h"
#include "server/broker/subscription.h"

namespace eventbus {

// How one subscriber's deliveries are written.
struct DeliveryFormat {
  // With a token for each event, and without numbers: Receive.
  bool tokens = false;
  // The group that tokens are for. A tail has none, and gets no tokens.
  std::string group;
};

// A message of deliveries, and what went into it.
struct DeliveryMessage {
  grpc::ByteBuffer bytes;
  uint64_t events = 0;
  // Of the events alone.
  uint64_t event_bytes = 0;
};

// Writes deliveries as eventbus.v1.SubscribeResponse or ReceiveResponse (their fields `deliveries`
// have one number). The events' bytes are spliced in as they are, large runs by reference: nothing
// is parsed or copied.
//
// Takes runs from the front of `runs`, as many as keep the message within `max_bytes`, and at least
// one event. A run that does not fit is split between two events; what is left of it stays in
// `runs`. Pure; any thread.
DeliveryMessage EncodeDeliveries(const DeliveryFormat& format, uint64_t max_bytes,
                                 std::deque<DeliveryRun>* runs);

// The same as eventbus.v1.PullResponse, with tokens for this group.
grpc::ByteBuffer EncodePullResponse(const std::string& group, absl::Time lease_deadline,
                                    uint64_t max_bytes, std::deque<DeliveryRun>* runs);

// The token of the run's first event. Those of the others differ in the position's index.
DeliveryToken FirstTokenOf(const std::string& group, const DeliveryRun& run);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_DELIVERY_ENCODER_H_
