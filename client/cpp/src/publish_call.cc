#include "client/cpp/src/publish_call.h"

#include <grpcpp/channel.h>

#include <utility>

#include "client/cpp/src/bidi_call.h"
#include "client/cpp/src/status.h"
#include "eventbus/v1/broker.grpc.pb.h"

namespace eventbus::client {
namespace {

class GrpcPublishCall final : public PublishCall,
                              public BidiCall<v1::PublishStreamRequest, v1::PublishStreamResponse> {
 public:
  explicit GrpcPublishCall(Events events) : events_(std::move(events)) {}

  void Open(std::shared_ptr<Connection> connection, const std::shared_ptr<grpc::Channel>& channel,
            std::shared_ptr<CallCount> calls) {
    v1::EventBus::Stub(channel).async()->PublishStream(&context(), this);
    Run(std::move(connection), std::move(calls));
    Read(&response_);
  }

  bool WriteRequest(const v1::PublishStreamRequest* request) override { return Write(request); }
  void CancelCall() override { Cancel(); }

 private:
  void OnRead(bool ok) override {
    if (!ok) return;
    events_.on_response(response_);
    Read(&response_);
  }
  void OnWritten(bool ok) override {
    if (ok) events_.on_written();
  }
  void OnFinished(const grpc::Status& status) override {
    // Also lets go of what the callbacks hold: they and this call refer to each other.
    const Events events = std::move(events_);
    events_ = Events();
    events.on_finished(FromGrpc(status));
  }

  Events events_;
  v1::PublishStreamResponse response_;
};

}  // namespace

std::shared_ptr<PublishCall> PublishCall::Start(std::shared_ptr<Connection> connection,
                                                const std::shared_ptr<grpc::Channel>& channel,
                                                std::shared_ptr<CallCount> calls, Events events) {
  auto call = std::make_shared<GrpcPublishCall>(std::move(events));
  call->Open(std::move(connection), channel, std::move(calls));
  return call;
}

}  // namespace eventbus::client
