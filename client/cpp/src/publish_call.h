#ifndef EVENTBUS_CLIENT_CPP_SRC_PUBLISH_CALL_H_
#define EVENTBUS_CLIENT_CPP_SRC_PUBLISH_CALL_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "eventbus/v1/broker.pb.h"

namespace grpc {
class Channel;
}  // namespace grpc
namespace eventbus::client {
class CallCount;
class Connection;
}  // namespace eventbus::client

namespace eventbus::client {

// One PublishStream. Its owner gives messages and hears what comes back. Any thread; it ends with
// on_finished, after which it refuses writes.
class PublishCall {
 public:
  // Called on threads of gRPC, which they must not block.
  struct Events {
    std::function<void(const v1::PublishStreamResponse& response)> on_response;
    // The last Write is done; the next may follow.
    std::function<void()> on_written;
    std::function<void(const absl::Status& status)> on_finished;
  };

  static std::shared_ptr<PublishCall> Start(std::shared_ptr<Connection> connection,
                                            const std::shared_ptr<grpc::Channel>& channel,
                                            std::shared_ptr<CallCount> calls, Events events);
  virtual ~PublishCall() = default;

  // One at a time; `request` stays unchanged until on_written. False: the call is over.
  virtual bool WriteRequest(const v1::PublishStreamRequest* request) = 0;
  virtual void CancelCall() = 0;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_PUBLISH_CALL_H_
