#include "server/rpc/publish_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "eventbus/v1/broker.pb.h"
#include "server/rpc/errors.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/publish_answer.h"
#include "server/rpc/publish_envelope.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/trace_context.h"

namespace eventbus {
namespace {

// An acknowledgement takes no further message once it has this much, which leaves room for one
// below the bound of a server message.
constexpr size_t kFullAcknowledgementBytes = size_t{1} << 20;

PublishOutcome AllFailed(size_t count, absl::Status why) {
  PublishedRun run;
  run.count = static_cast<uint32_t>(count);
  run.status = std::move(why);
  PublishOutcome outcome;
  outcome.push_back(std::move(run));
  return outcome;
}

bool HasFailure(const PublishOutcome& outcome) {
  return std::any_of(outcome.begin(), outcome.end(),
                     [](const PublishedRun& run) { return !run.status.ok(); });
}

}  // namespace

PublishStreamCall* PublishStreamCall::Start(const RpcContext& rpc, OpenCalls* calls,
                                            CallContext* context) {
  auto call = std::make_shared<PublishStreamCall>(rpc, calls, context);
  call->self_ = call;
  v1::PublishStreamResponse hello;
  hello.mutable_window()->set_max_messages(rpc.options.publish_window_messages);
  hello.mutable_window()->set_max_bytes(rpc.options.publish_window_bytes);
  {
    absl::MutexLock lock(&call->mutex_);
    call->Write(BufferOf(hello));
    call->Advance();
  }
  calls->Add(call);
  return call.get();
}

PublishStreamCall::PublishStreamCall(const RpcContext& rpc, OpenCalls* calls, CallContext* context)
    : StreamReactor(context), rpc_(rpc), calls_(calls), context_(context) {}

void PublishStreamCall::OnReadDone(bool ok) {
  absl::Status status;
  if (ok) status = Take(incoming_);
  if (!ok || !status.ok()) EndWith(std::move(status));
  absl::MutexLock lock(&mutex_);
  reading_ = false;
  Advance();
}

absl::Status PublishStreamCall::Take(const grpc::ByteBuffer& buffer) {
  const absl::Time received = absl::Now();
  const RequestBytes bytes(buffer);
  PublishEnvelope envelope;
  absl::Status status =
      ReadPublishEnvelope(PublishEnvelope::Kind::kStream, bytes.view(), &envelope);
  if (!status.ok()) return status;
  if (envelope.sequence != last_sequence_ + 1) {
    return InvalidField("sequence", absl::StrCat("is ", envelope.sequence, " where ",
                                                 last_sequence_ + 1, " is expected"));
  }
  ++last_sequence_;
  {
    absl::MutexLock lock(&mutex_);
    // Drained meanwhile: told the client that this one is not stored.
    if (end_.has_value()) return absl::OkStatus();
    Message& message = messages_.emplace_back();
    message.bytes = bytes.view().size();
    message.return_results = envelope.return_results;
    unacknowledged_bytes_ += message.bytes;
  }
  absl::StatusOr<CheckedEvents> events =
      Door(rpc_.options).Check(bytes, envelope, TraceContextOf(*context_), envelope.return_results);
  if (events.ok()) {
    Publish(envelope.sequence, envelope.return_results, *std::move(events), received);
  } else {
    rpc_.metrics->publish_errors[PublishError::kInvalid].Increment(
        std::max<size_t>(envelope.events.size(), 1));
    Decide(envelope.sequence, AllFailed(envelope.events.size(), events.status()), EventIds());
  }
  return absl::OkStatus();
}

void PublishStreamCall::Publish(uint64_t sequence, bool return_results, CheckedEvents events,
                                absl::Time received) {
  PublishCommand command = std::move(events.command);
  const size_t count = command.items.size();
  EventIds ids;
  if (return_results) ids = std::move(events.ids);
  command.done = AnswerOnce(count, [self = shared_from_this(), sequence, count, received,
                                    ids = std::move(ids)](PublishOutcome outcome) mutable {
    self->rpc_.metrics->publish_latency.Observe(absl::Now() - received, count);
    self->Decide(sequence, std::move(outcome), std::move(ids));
  });
  rpc_.loop->Post([broker = rpc_.broker, command = std::move(command)]() mutable {
    broker->Publish(std::move(command));
  });
}

void PublishStreamCall::Decide(uint64_t sequence, PublishOutcome outcome, EventIds ids) {
  absl::MutexLock lock(&mutex_);
  Message& message = messages_[sequence - acknowledged_ - 1];
  message.outcome = std::move(outcome);
  message.ids = std::move(ids);
  Advance();
}

void PublishStreamCall::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  outgoing_.Clear();
  // Otherwise the call is broken, and OnCancel ends it.
  if (ok) Advance();
}

void PublishStreamCall::EndWith(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  if (!end_.has_value()) end_ = std::move(status);
  Advance();
}

void PublishStreamCall::Drain() {
  EndWith(MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                    "the server stops: what is not acknowledged is not stored; connect again"));
}

void PublishStreamCall::OnCancel() {
  absl::MutexLock lock(&mutex_);
  FinishNow(absl::CancelledError("the client ended the call"));
}

void PublishStreamCall::OnDone() {
  calls_->Remove(this);
  // May be the last share in this object.
  const std::shared_ptr<PublishStreamCall> self = std::move(self_);
}

void PublishStreamCall::Advance() {
  if (finished_) return;
  if (!writing_ && !messages_.empty() && messages_.front().outcome.has_value()) {
    Write(TakeAcknowledgement());
  }
  if (end_.has_value()) {
    if (!writing_ && messages_.empty()) FinishNow(*end_);
    return;
  }
  if (!reading_ && messages_.size() < rpc_.options.publish_window_messages &&
      unacknowledged_bytes_ < rpc_.options.publish_window_bytes) {
    reading_ = true;
    incoming_.Clear();
    StartRead(&incoming_);
  }
}

void PublishStreamCall::Write(const grpc::ByteBuffer& message) {
  writing_ = true;
  outgoing_ = message;
  StartWrite(&outgoing_);
}

grpc::ByteBuffer PublishStreamCall::TakeAcknowledgement() {
  v1::PublishStreamResponse response;
  v1::PublishAcknowledgement& acknowledgement = *response.mutable_acknowledgement();
  size_t bytes = 0;
  while (!messages_.empty() && messages_.front().outcome.has_value() &&
         bytes < kFullAcknowledgementBytes) {
    const Message& message = messages_.front();
    ++acknowledged_;
    if (HasFailure(*message.outcome))
      AddFailures(acknowledged_, *message.outcome, &acknowledgement);
    if (message.return_results && message.ids.size() > 0) {
      AddResults(acknowledged_, message.ids, *message.outcome, &acknowledgement);
    }
    if (acknowledgement.failures_size() > 0 || acknowledgement.results_size() > 0) {
      bytes = acknowledgement.ByteSizeLong();
    }
    unacknowledged_bytes_ -= message.bytes;
    messages_.pop_front();
  }
  acknowledgement.set_through(acknowledged_);
  return BufferOf(response);
}

void PublishStreamCall::FinishNow(const absl::Status& status) {
  if (finished_) return;
  finished_ = true;
  rpc_.publish_stream_metrics->Finished(static_cast<int>(status.code()));
  Finish(ToGrpcStatus(status));
}

}  // namespace eventbus
