#include "server/rpc/receive.h"

#include <memory>
#include <utility>

#include "eventbus/v1/broker.pb.h"
#include "server/rpc/errors.h"
#include "server/rpc/open_request.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/subscriber_call.h"

namespace eventbus {
namespace {

absl::StatusOr<SubscriberRequest> ReadRequest(const grpc::ByteBuffer& buffer,
                                              const RpcOptions& options) {
  const RequestBytes bytes(buffer);
  v1::ReceiveRequest request;
  if (!request.ParseFromArray(bytes.view().data(), static_cast<int>(bytes.view().size()))) {
    return MalformedRequest("not a valid eventbus.v1.ReceiveRequest");
  }
  if (!request.has_open()) return InvalidField("open", "is required");
  return ReadSubscribeOpen(request.open(), SubscriberCallKind::kReceive, options);
}

// Owns itself until OnDone.
class ReceiveReactor final : public StreamReactor, public SubscriberTransport {
 public:
  ReceiveReactor(const RpcContext& rpc, OpenCalls* calls, CallContext* context,
                 const grpc::ByteBuffer& request)
      : StreamReactor(context),
        context_(context),
        call_(std::make_shared<SubscriberCall>(rpc, calls, SubscriberCallKind::kReceive, this)) {
    call_->Start();
    absl::StatusOr<SubscriberRequest> open = ReadRequest(request, rpc.options);
    if (open.ok()) {
      open->open.peer = context->Peer();
      call_->Open(*std::move(open));
    } else {
      call_->Fail(open.status());
    }
  }

  void OnWriteDone(bool ok) override { call_->WriteDone(ok); }
  void OnCancel() override { call_->Cancelled(); }
  void OnDone() override {
    call_->TransportDone();
    delete this;
  }

  void BeginWrite(const grpc::ByteBuffer* message) override { StartWrite(message); }
  void End(const grpc::Status& status) override { Finish(status); }
  void BreakOff() override { context_->TryCancel(); }

 private:
  CallContext* const context_;
  const std::shared_ptr<SubscriberCall> call_;
};

}  // namespace

StreamReactor* StartReceive(const RpcContext& rpc, OpenCalls* calls, CallContext* context,
                            const grpc::ByteBuffer* request) {
  return new ReceiveReactor(rpc, calls, context, *request);
}

}  // namespace eventbus
