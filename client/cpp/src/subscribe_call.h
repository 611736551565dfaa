#ifndef EVENTBUS_CLIENT_CPP_SRC_SUBSCRIBE_CALL_H_
#define EVENTBUS_CLIENT_CPP_SRC_SUBSCRIBE_CALL_H_

#include <google/protobuf/arena.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "eventbus/delivery.h"
#include "eventbus/v1/broker.pb.h"

namespace grpc {
class Channel;
}  // namespace grpc
namespace eventbus::client {
class CallCount;
class Connection;
}  // namespace eventbus::client

namespace eventbus::client {

// A message from the server and the memory it lives in.
struct ReceivedMessage {
  google::protobuf::Arena arena;
  v1::SubscribeResponse* response =
      google::protobuf::Arena::CreateMessage<v1::SubscribeResponse>(&arena);
};

// One Subscribe stream: answers pings, gathers settlements into few messages, and ends in order.
// Delivery numbers belong to the call that brought them. Any thread.
class SubscribeCall {
 public:
  // Called on threads of gRPC, which they must not block.
  struct Events {
    std::function<void(const v1::SubscribeOpened& opened)> on_opened;
    // False: read no further until ReadOn.
    std::function<bool(std::shared_ptr<const ReceivedMessage> message)> on_deliveries;
    std::function<void(const v1::Drain& drain)> on_drain;
    // There are verdicts that wait for company: call FlushSettlements in a moment.
    std::function<void()> on_settlements_wait;
    // Last of all, once.
    std::function<void(const absl::Status& status)> on_finished;
  };

  static std::shared_ptr<SubscribeCall> Make(const v1::SubscribeOpen& open, Events events);
  virtual ~SubscribeCall() = default;

  virtual void Start(std::shared_ptr<Connection> connection,
                     const std::shared_ptr<grpc::Channel>& channel,
                     std::shared_ptr<CallCount> calls) = 0;

  // Acks wait a little for others unless `now`; everything else goes at once. A delivery that was
  // lost meanwhile is ignored.
  virtual void SettleDelivery(uint64_t number, const Settle& verdict, bool now) = 0;
  // Keeps it in flight until SettleDelivery or Finish, which releases it.
  virtual void Hold(uint64_t number) = 0;
  virtual void FlushSettlements() = 0;

  // Its lease ended without a settlement.
  virtual bool IsLost(uint64_t number) = 0;

  virtual void ReadOn() = 0;

  // No new deliveries are wanted.
  virtual void StopDeliveries() = 0;
  // Releases what is held, waits until the server has confirmed all settlements, and ends the call.
  virtual void Finish() = 0;
  // The same, as soon as everything delivered is settled.
  virtual void FinishWhenSettled() = 0;
  virtual void CancelCall() = 0;
  // The same, and on_finished hears this.
  virtual void GiveUp(const absl::Status& why) = 0;

  // What Start was given.
  virtual const std::shared_ptr<grpc::Channel>& channel() const = 0;
  // A nack or reject was among the settlements.
  virtual bool has_nacked() const = 0;
  // When the last message came; InfiniteFuture while reading is off.
  virtual absl::Time last_received() const = 0;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_SUBSCRIBE_CALL_H_
