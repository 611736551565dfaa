#include "server/rpc/call/unary_queue_call.h"

namespace eventbus {

void UnaryQueueCall::AwaitOne(CallQueue* queue, const Served& served) {
  auto* const call = new UnaryQueueCall(queue, served);
  served.method->request(&call->context_, &call->request_, &call->writer_, &queue->completions(),
                         &call->accepted_);
}

UnaryQueueCall::UnaryQueueCall(CallQueue* queue, const Served& served)
    : QueuedCall(queue), served_(served), writer_(&context_) {}

void UnaryQueueCall::Accepted(bool ok) {
  if (!ok) {
    // The server stops.
    delete this;
    return;
  }
  AwaitOne(queue_, served_);
  reactor_ = (*served_.handler)(this, &request_, &response_);
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
