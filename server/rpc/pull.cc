#include "server/rpc/pull.h"

#include <deque>
#include <iterator>
#include <memory>
#include <utility>

#include "eventbus/v1/broker.pb.h"
#include "server/broker/reason.h"
#include "server/rpc/delivery_encoder.h"
#include "server/rpc/errors.h"
#include "server/rpc/pull_request.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/unary_call.h"

namespace eventbus {
namespace {

// Events for which the answer has no room go back as they came.
void Release(const RpcContext& rpc, const std::string& group, const std::deque<DeliveryRun>& runs) {
  TokenSettleCommand command;
  command.parts.emplace_back().action.kind = SettleAction::Kind::kRelease;
  for (const DeliveryRun& run : runs) {
    DeliveryToken token = FirstTokenOf(group, run);
    for (uint32_t i = 0; i < run.count; ++i) {
      command.parts.front().tokens.push_back(token);
      ++token.position.index;
    }
  }
  command.done = [](const TokenSettlement&) {};
  // Later, for the group may be at work.
  rpc.loop->Post([broker = rpc.broker, command = std::move(command)]() mutable {
    broker->SettleByTokens(std::move(command));
  });
}

// Owns itself until OnDone. Begins and is answered on the loop; gRPC's threads say when the client
// is gone.
class PullReactor final : public UnaryReactor {
 public:
  PullReactor(const RpcContext& rpc, CallContext* context, grpc::ByteBuffer* response)
      : UnaryReactor(context),
        rpc_(rpc),
        context_(context),
        response_(response),
        id_(std::make_shared<PullId>(0)) {}

  // Once, before anything else.
  void Begin(PullCommand command);
  // Once. The reactor may be gone after it.
  void Answer(absl::StatusOr<Pulled> pulled) {
    const absl::Status status = pulled.status();
    if (pulled.ok()) {
      std::deque<DeliveryRun> runs(std::make_move_iterator(pulled->runs.begin()),
                                   std::make_move_iterator(pulled->runs.end()));
      *response_ =
          EncodePullResponse(pulled->group, pulled->lease_deadline, kMaxServerMessageBytes, &runs);
      if (!runs.empty()) Release(rpc_, pulled->group, runs);
    }
    rpc_.pull_metrics->Finished(static_cast<int>(status.code()));
    Finish(ToGrpcStatus(status));
  }

  void OnCancel() override { PostCancel(); }
  void OnDone() override {
    // The answer has not reached the client.
    if (context_->IsCancelled()) PostCancel();
    delete this;
  }

 private:
  void PostCancel() {
    rpc_.loop->Post([broker = rpc_.broker, id = id_] { broker->pulls().Cancel(*id); });
  }

  const RpcContext& rpc_;
  CallContext* const context_;
  // Lives until the call is finished.
  grpc::ByteBuffer* const response_;
  // Loop only. 0 until the pull has begun.
  const std::shared_ptr<PullId> id_;
};

// Answers the call when it is destroyed, if the broker has not done so before.
class PullAnswer {
 public:
  explicit PullAnswer(PullReactor* reactor) : reactor_(reactor) {}
  PullAnswer(const PullAnswer&) = delete;
  PullAnswer& operator=(const PullAnswer&) = delete;
  ~PullAnswer() {
    if (reactor_ == nullptr) return;
    reactor_->Answer(MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                               "the server stopped before it had an answer; pull again"));
  }

  void Give(absl::StatusOr<Pulled> pulled) {
    std::exchange(reactor_, nullptr)->Answer(std::move(pulled));
  }

 private:
  PullReactor* reactor_;
};

void PullReactor::Begin(PullCommand command) {
  command.done = [answer = std::make_unique<PullAnswer>(this)](absl::StatusOr<Pulled> pulled) {
    answer->Give(std::move(pulled));
  };
  rpc_.loop->Post([broker = rpc_.broker, id = id_, command = std::move(command)]() mutable {
    *id = broker->pulls().Pull(std::move(command));
  });
}

absl::StatusOr<PullCommand> Read(const grpc::ByteBuffer& buffer) {
  const RequestBytes bytes(buffer);
  v1::PullRequest request;
  if (!request.ParseFromArray(bytes.view().data(), static_cast<int>(bytes.view().size()))) {
    return MalformedRequest("not a valid eventbus.v1.PullRequest");
  }
  return ReadPullRequest(request);
}

}  // namespace

UnaryReactor* StartPull(const RpcContext& rpc, CallContext* context,
                        const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  absl::StatusOr<PullCommand> command = Read(*request);
  if (!command.ok()) {
    const UnaryCall call(context, rpc.pull_metrics);
    call.Finish(command.status());
    return call.reactor();
  }
  command->open.peer = context->Peer();
  auto* const reactor = new PullReactor(rpc, context, response);
  reactor->Begin(*std::move(command));
  return reactor;
}

}  // namespace eventbus
