#include "server/rpc/call/queue_call.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "grpc/grpc.h"

namespace eventbus {

void QueueCall::AwaitOne(CallQueue* queue) {
  auto* const call = new QueueCall(queue);
  queue->service().RequestCall(&call->context_, &call->stream_, &queue->completions(),
                               &queue->completions(), &call->accepted_);
}

QueueCall::QueueCall(CallQueue* queue) : QueuedCall(queue), stream_(&context_) {
  context_.AsyncNotifyWhenDone(&call_ended_);
}

void QueueCall::Accepted(bool ok) {
  if (!ok) {
    // The server stops.
    delete this;
    return;
  }
  AwaitOne(queue_);
  method_ = queue_->router().Find(context_.method());
  if (method_ == nullptr) {
    Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                        absl::StrCat("there is no method ", context_.method())));
  } else if (const auto* start = std::get_if<CallRouter::Stream>(method_); start != nullptr) {
    stream_reactor_ = (*start)(this);
  } else {
    reads_only_message_ = true;
    StartRead(&request_);
  }
}

void QueueCall::TakeOnlyMessage(bool ok) {
  if (!ok) {
    Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "the call ended without a request"));
  } else if (const auto* start = std::get_if<CallRouter::Unary>(method_); start != nullptr) {
    unary_reactor_ = (*start)(this, &request_, &response_);
  } else {
    stream_reactor_ = std::get<CallRouter::ServerStream>(*method_)(this, &request_);
  }
}

void QueueCall::StartRead(grpc::ByteBuffer* message) {
  under_way_.fetch_add(1, std::memory_order_relaxed);
  read_into_ = message;
  queue_->Begin(this, CallQueue::Operation::kRead);
}

void QueueCall::StartWrite(const grpc::ByteBuffer* message) {
  under_way_.fetch_add(1, std::memory_order_relaxed);
  to_write_ = message;
  queue_->Begin(this, CallQueue::Operation::kWrite);
}

void QueueCall::Start(CallQueue::Operation operation) {
  switch (operation) {
    case CallQueue::Operation::kRead:
      stream_.Read(read_into_, &read_);
      return;
    case CallQueue::Operation::kWrite:
      stream_.Write(*to_write_, &write_);
      return;
    case CallQueue::Operation::kFinish:
      stream_.Finish(status_, &finish_);
      return;
    case CallQueue::Operation::kFinishUnary:
      stream_.WriteAndFinish(response_, grpc::WriteOptions(), grpc::Status::OK, &finish_);
      return;
  }
}

void QueueCall::ReadEnded(bool ok) {
  if (reads_only_message_) {
    reads_only_message_ = false;
    TakeOnlyMessage(ok);
  } else {
    // Whether the client is gone, or has only half-closed, is known before the call has ended.
    if (!ok && grpc_call_failed_before_recv_message(context_.c_call()) != 0) {
      cancelled_.store(true, std::memory_order_release);
    }
    stream_reactor_->OnReadDone(ok);
  }
  Release();
}

void QueueCall::WriteEnded(bool ok) {
  stream_reactor_->OnWriteDone(ok);
  Release();
}

void QueueCall::FinishEnded(bool /*ok*/) { Release(); }

void QueueCall::CallEnded(bool /*ok*/) {
  if (context_.IsCancelled()) {
    cancelled_.store(true, std::memory_order_release);
    if (stream_reactor_ != nullptr) stream_reactor_->OnCancel();
    if (unary_reactor_ != nullptr) unary_reactor_->OnCancel();
  }
  Release();
}

void QueueCall::Release() {
  if (under_way_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  if (stream_reactor_ != nullptr) stream_reactor_->OnDone();
  if (unary_reactor_ != nullptr) unary_reactor_->OnDone();
  delete this;
}

}  // namespace eventbus
