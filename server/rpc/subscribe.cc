#include "server/rpc/subscribe.h"

#include <memory>
#include <utility>

#include "eventbus/v1/broker.pb.h"
#include "server/broker/reason.h"
#include "server/rpc/errors.h"
#include "server/rpc/open_request.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/settlement.h"
#include "server/rpc/subscriber_call.h"

namespace eventbus {
namespace {

absl::Status OutOfTurn(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kOutOfTurn, message);
}

// Owns itself until OnDone. Only one read is under way at a time, so what is touched by reads needs
// no guard.
class SubscribeReactor final : public StreamReactor, public SubscriberTransport {
 public:
  SubscribeReactor(const RpcContext& rpc, OpenCalls* calls, CallContext* context)
      : StreamReactor(context),
        rpc_(rpc),
        context_(context),
        call_(std::make_shared<SubscriberCall>(rpc, calls, SubscriberCallKind::kSubscribe, this)) {
    call_->Start();
  }

  void OnReadDone(bool ok) override {
    absl::Status status;
    if (ok) {
      status = Take();
    } else if (!opened_ && !context_->IsCancelled()) {
      status = OutOfTurn("the call ended without a message; the first one must be `open`");
    }
    if (!status.ok()) call_->Fail(status);
    call_->ReadDone(ok, context_->IsCancelled());
  }
  void OnWriteDone(bool ok) override { call_->WriteDone(ok); }
  void OnCancel() override { call_->Cancelled(); }
  void OnDone() override {
    call_->TransportDone();
    delete this;
  }

  void BeginWrite(const grpc::ByteBuffer* message) override { StartWrite(message); }
  void BeginRead() override {
    incoming_.Clear();
    StartRead(&incoming_);
  }
  void End(const grpc::Status& status) override { Finish(status); }
  void BreakOff() override { context_->TryCancel(); }

 private:
  absl::Status Take() {
    const RequestBytes bytes(incoming_);
    v1::SubscribeRequest request;
    if (!request.ParseFromArray(bytes.view().data(), static_cast<int>(bytes.view().size()))) {
      return MalformedRequest("not a valid eventbus.v1.SubscribeRequest");
    }
    using Message = v1::SubscribeRequest::MessageCase;
    if (!opened_ && request.message_case() != Message::kOpen) {
      return OutOfTurn("the first message must be `open`");
    }
    switch (request.message_case()) {
      case Message::kOpen:
        return TakeOpen(request.open());
      case Message::kSettle:
        return TakeSettle(request.settle());
      case Message::kFlow:
        return TakeFlow(request.flow());
      case Message::kPing:
        call_->AnswerPing(request.ping().number());
        call_->NoteActivity();
        return absl::OkStatus();
      case Message::kPong:
        // Any message tells that the client lives; see SubscriberCall::ReadDone.
        call_->NoteActivity();
        return absl::OkStatus();
      case Message::MESSAGE_NOT_SET:
        break;
    }
    return InvalidField("message", "is empty, or of a kind that this version does not know");
  }

  absl::Status TakeOpen(const v1::SubscribeOpen& open) {
    if (opened_) return OutOfTurn("`open` was sent already; only the first message may be `open`");
    absl::StatusOr<SubscriberRequest> request =
        ReadSubscribeOpen(open, SubscriberCallKind::kSubscribe, rpc_.options);
    if (!request.ok()) return request.status();
    opened_ = true;
    flow_ = request->open.flow;
    request->open.peer = context_->Peer();
    call_->Open(*std::move(request));
    return absl::OkStatus();
  }

  absl::Status TakeSettle(const v1::Settlement& settlement) {
    absl::StatusOr<SettleCommand> command = ReadSettlement(settlement);
    if (!command.ok()) return command.status();
    call_->Settle(*std::move(command));
    return absl::OkStatus();
  }

  absl::Status TakeFlow(const v1::FlowLimits& limits) {
    // Fields that are unset stay as they are.
    if (absl::Status status = ReadFlowLimits("flow", limits, rpc_.options, &flow_); !status.ok()) {
      return status;
    }
    call_->SetFlow(flow_);
    return absl::OkStatus();
  }

  const RpcContext& rpc_;
  CallContext* const context_;
  grpc::ByteBuffer incoming_;
  bool opened_ = false;
  FlowLimits flow_;
  // Last: it begins to read at once.
  const std::shared_ptr<SubscriberCall> call_;
};

}  // namespace

StreamReactor* StartSubscribe(const RpcContext& rpc, OpenCalls* calls, CallContext* context) {
  return new SubscribeReactor(rpc, calls, context);
}

}  // namespace eventbus
