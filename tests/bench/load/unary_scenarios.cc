// The scenarios of unary calls: Publish and PublishBatch, to the broker or to an echo server.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "eventbus/v1/broker.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "server/broker/wire.h"
#include "tests/bench/load/completions.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/cpu_meter.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/raw_client.h"
#include "tests/bench/load/scenario.h"

namespace eventbus::bench {
namespace {

// What all calls of a run share.
struct CallPlan {
  std::shared_ptr<grpc::Channel> channel;
  std::string method;
  grpc::ByteBuffer request;
  Completions* completions = nullptr;
  absl::Time end;
  Latencies latencies;
  size_t open_calls = 0;
};

// One call after the other, until the plan's end.
class CallLoop final : public Tag {
 public:
  explicit CallLoop(CallPlan* plan) : plan_(plan), stub_(plan->channel) {}

  void Start() {
    ++plan_->open_calls;
    Call();
  }
  void Cancel() {
    if (context_ != nullptr) context_->TryCancel();
  }
  // The last answer.
  const grpc::ByteBuffer& response() const { return response_; }

  void Done(bool ok) override {
    const absl::Time now = absl::Now();
    if (!ok || !status_.ok()) {
      return plan_->completions->Fail(
          absl::InternalError(absl::StrCat(plan_->method, " failed: ", status_.error_message())));
    }
    plan_->latencies.Add(now - began_);
    if (now < plan_->end) {
      Call();
    } else {
      --plan_->open_calls;
    }
  }

 private:
  void Call() {
    began_ = absl::Now();
    context_ = std::make_unique<grpc::ClientContext>();
    reader_ = stub_.PrepareUnaryCall(context_.get(), plan_->method, plan_->request,
                                     plan_->completions->queue());
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this);
  }

  CallPlan* const plan_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  absl::Time began_;
};

absl::StatusOr<Figures> RunCalls(const LoadOptions& options, const std::string& method,
                                 const std::string& request, uint64_t events_per_call) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  CallPlan plan{.channel = Connect(options.address),
                .method = method,
                .request = BufferOf(request),
                .completions = &completions};
  std::vector<std::unique_ptr<CallLoop>> loops;
  for (size_t i = 0; i < options.in_flight; ++i) loops.push_back(std::make_unique<CallLoop>(&plan));
  const absl::Cleanup end = [&] {
    for (const auto& loop : loops) loop->Cancel();
    completions.Drain();
  };
  absl::Time begin;
  CpuMeter meter(options.watched);
  for (const absl::Duration phase : {options.warm_up, options.duration}) {
    plan.latencies.clear();
    meter.Start();
    begin = absl::Now();
    plan.end = begin + phase;
    for (const auto& loop : loops) loop->Start();
    absl::Status status = completions.RunUntil([&] { return plan.open_calls == 0; }, deadline);
    if (!status.ok()) return status;
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  const uint64_t events = plan.latencies.size() * events_per_call;
  Figures figures{{"events", events},
                  {"seconds", seconds},
                  {"events_per_second", static_cast<double>(events) / seconds},
                  {"response_bytes", loops.front()->response().Length()},
                  {"latency", plan.latencies.Report()}};
  meter.Report(static_cast<double>(events), &figures);
  return figures;
}

}  // namespace

absl::StatusOr<Figures> RunUnary(const LoadOptions& options) {
  std::string request;
  AppendLengthDelimitedField(1, EncodeEvent(options.shape.event, TypeName(0), 0), &request);
  return RunCalls(options, kPublishMethod, request, 1);
}

absl::StatusOr<Figures> RunBatch(const LoadOptions& options) {
  std::string request;
  for (size_t i = 0; i < options.shape.events_per_message; ++i) {
    AppendLengthDelimitedField(
        1, EncodeEvent(options.shape.event, TypeName(i % options.shape.types), i), &request);
  }
  return RunCalls(options, kPublishBatchMethod, request, options.shape.events_per_message);
}

}  // namespace eventbus::bench
