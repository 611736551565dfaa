#include "server/rpc/call/queue_call.h"

#include <chrono>
#include <variant>

#include "absl/strings/str_cat.h"
#include "grpcpp/support/string_ref.h"

namespace eventbus {
namespace {

// How long the end of a client's messages is kept back. When a client is gone, the read that failed
// comes out of the queue before the end of the call, which says so; both come at about the same
// time.
constexpr std::chrono::milliseconds kBeforeNoMoreToRead(2);

}  // namespace

void QueueCall::AwaitOne(Queue* queue) {
  auto* const call = new QueueCall(queue);
  queue->service->RequestCall(&call->context_, &call->stream_, queue->completions,
                              queue->completions, &call->accepted_);
}

QueueCall::QueueCall(Queue* queue) : queue_(queue), stream_(&context_) {
  {
    absl::MutexLock lock(&queue->mutex);
    ++queue->calls;
  }
  context_.AsyncNotifyWhenDone(&call_ended_);
}

QueueCall::~QueueCall() {
  absl::MutexLock lock(&queue_->mutex);
  --queue_->calls;
}

absl::string_view QueueCall::Metadata(absl::string_view key) const {
  const auto& metadata = context_.client_metadata();
  const auto found = metadata.find(grpc::string_ref(key.data(), key.size()));
  if (found == metadata.end()) return {};
  return absl::string_view(found->second.data(), found->second.size());
}

void QueueCall::Accepted(bool ok) {
  if (!ok) {
    // The server stops.
    delete this;
    return;
  }
  AwaitOne(queue_);
  method_ = queue_->router->Find(context_.method());
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
  stream_.Read(message, &read_);
}

void QueueCall::StartWrite(const grpc::ByteBuffer* message) {
  under_way_.fetch_add(1, std::memory_order_relaxed);
  stream_.Write(*message, &write_);
}

void QueueCall::Finish(const grpc::Status& status) { stream_.Finish(status, &finish_); }

void QueueCall::FinishUnary(const grpc::Status& status) {
  if (!status.ok()) return Finish(status);
  if (messages() != nullptr) response_ = messages()->Encode();
  stream_.WriteAndFinish(response_, grpc::WriteOptions(), status, &finish_);
}

void QueueCall::ReadEnded(bool ok) {
  if (reads_only_message_) {
    reads_only_message_ = false;
    TakeOnlyMessage(ok);
  } else if (ok || IsCancelled()) {
    stream_reactor_->OnReadDone(ok);
  } else {
    // Counts as the read did.
    later_.Set(queue_->completions, std::chrono::system_clock::now() + kBeforeNoMoreToRead,
               &no_more_to_read_);
    return;
  }
  Release();
}

void QueueCall::NoMoreToRead(bool /*ok*/) {
  stream_reactor_->OnReadDone(false);
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
