#include "server/rpc/call/unary_queue_call.h"

namespace eventbus {

void UnaryQueueCall::AwaitOne(CallQueue* queue, const Served& served) {
  auto* const call = new UnaryQueueCall(queue, served);
  served.method->request(&call->context_, &call->request_, &call->writer_, &queue->completions(),
                         &call->accepted_);
}

UnaryQueueCall::UnaryQueueCall(CallQueue* queue, const Served& served)
    : queue_(queue), served_(served), writer_(&context_) {
  queue->Add();
}

UnaryQueueCall::~UnaryQueueCall() { queue_->Remove(); }

void UnaryQueueCall::Accepted(bool ok) {
  if (!ok) {
    // The server stops.
    delete this;
    return;
  }
  AwaitOne(queue_, served_);
  reactor_ = (*served_.handler)(this, &request_, &response_);
}

void UnaryQueueCall::StartRead(grpc::ByteBuffer* /*message*/) {}

void UnaryQueueCall::StartWrite(const grpc::ByteBuffer* /*message*/) {}

void UnaryQueueCall::Finish(const grpc::Status& status) {
  status_ = status;
  queue_->Begin(this, CallQueue::Operation::kFinish);
}

void UnaryQueueCall::FinishUnary(const grpc::Status& status) {
  if (!status.ok()) return Finish(status);
  if (messages() != nullptr) response_ = messages()->Encode();
  queue_->Begin(this, CallQueue::Operation::kFinishUnary);
}

void UnaryQueueCall::Start(CallQueue::Operation operation) {
  if (operation == CallQueue::Operation::kFinishUnary) {
    writer_.Finish(response_, grpc::Status::OK, &finish_);
  } else {
    writer_.FinishWithError(status_, &finish_);
  }
}

void UnaryQueueCall::FinishEnded(bool /*ok*/) {
  if (reactor_ != nullptr) reactor_->OnDone();
  delete this;
}

}  // namespace eventbus
