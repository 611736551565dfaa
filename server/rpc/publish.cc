#include "server/rpc/publish.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "server/rpc/door.h"
#include "server/rpc/publish_answer.h"
#include "server/rpc/publish_envelope.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/trace_context.h"
#include "server/rpc/unary_call.h"

namespace eventbus {
namespace {

using Kind = PublishEnvelope::Kind;

// The error of a call whose events all failed for one reason; OK if any was stored, or the reasons
// differ.
absl::Status CommonFailure(const PublishOutcome& outcome) {
  const absl::Status& first = outcome.front().status;
  const bool common = std::all_of(outcome.begin(), outcome.end(), [&](const PublishedRun& run) {
    return !run.status.ok() && run.status.code() == first.code() &&
           ReasonOf(run.status) == ReasonOf(first);
  });
  return common ? first : absl::OkStatus();
}

void Answer(const UnaryCall& call, Kind kind, const EventIds& ids, const PublishOutcome& outcome,
            grpc::ByteBuffer* response) {
  const absl::Status failure = CommonFailure(outcome);
  if (failure.ok()) {
    *response = kind == Kind::kPublish ? EncodePublishResponse(ids, outcome.front())
                                       : EncodePublishBatchResponse(ids, outcome);
  }
  call.Finish(failure);
}

UnaryReactor* Start(const RpcContext& rpc, Kind kind, CallContext* context, RpcMetrics* metrics,
                    const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  const absl::Time received = absl::Now();
  const UnaryCall call(context, metrics);
  const RequestBytes bytes(*request);
  PublishEnvelope envelope;
  absl::StatusOr<CheckedEvents> events = CheckedEvents{};
  if (absl::Status status = ReadPublishEnvelope(kind, bytes.view(), &envelope); !status.ok()) {
    events = std::move(status);
  } else {
    events = Door(rpc.options).Check(bytes, envelope, TraceContextOf(*context), /*want_ids=*/true);
  }
  if (!events.ok()) {
    rpc.metrics->publish_errors[PublishError::kInvalid].Increment(
        std::max<size_t>(envelope.events.size(), 1));
    call.Finish(events.status());
    return call.reactor();
  }

  PublishCommand command = std::move(events->command);
  const size_t count = command.items.size();
  command.done = AnswerOnce(count, [call, kind, ids = std::move(events->ids), response, received,
                                    count, metrics = rpc.metrics](const PublishOutcome& outcome) {
    metrics->publish_latency.Observe(absl::Now() - received, count);
    Answer(call, kind, ids, outcome, response);
  });
  rpc.loop->Post([broker = rpc.broker, command = std::move(command)]() mutable {
    broker->Publish(std::move(command));
  });
  return call.reactor();
}

}  // namespace

UnaryReactor* StartPublish(const RpcContext& rpc, CallContext* context,
                           const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  return Start(rpc, Kind::kPublish, context, rpc.publish_metrics, request, response);
}

UnaryReactor* StartPublishBatch(const RpcContext& rpc, CallContext* context,
                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  return Start(rpc, Kind::kBatch, context, rpc.publish_batch_metrics, request, response);
}

}  // namespace eventbus
