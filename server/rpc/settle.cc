#include "server/rpc/settle.h"

#include <memory>
#include <utility>

#include "server/broker/reason.h"
#include "server/rpc/settlement.h"
#include "server/rpc/unary_call.h"

namespace eventbus {
namespace {

// Finishes the call when it is destroyed, if the broker has not answered before.
class SettleAnswer {
 public:
  SettleAnswer(UnaryCall call, const v1::SettleRequest* request, v1::SettleResponse* response)
      : call_(call), request_(request), response_(response) {}
  SettleAnswer(const SettleAnswer&) = delete;
  SettleAnswer& operator=(const SettleAnswer&) = delete;
  ~SettleAnswer() {
    if (answered_) return;
    call_.Finish(MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                           "the server stopped before the store had answered; settle again"));
  }

  void Give(const TokenSettlement& settlement) {
    answered_ = true;
    *response_ = WriteSettleResponse(*request_, settlement);
    call_.Finish(absl::OkStatus());
  }

 private:
  UnaryCall call_;
  // Both live until the call is finished.
  const v1::SettleRequest* request_;
  v1::SettleResponse* response_;
  bool answered_ = false;
};

}  // namespace

grpc::ServerUnaryReactor* StartSettle(const RpcContext& rpc, grpc::CallbackServerContext* context,
                                      const v1::SettleRequest* request,
                                      v1::SettleResponse* response) {
  const UnaryCall call(context, rpc.settle_metrics);
  absl::StatusOr<TokenSettleCommand> command = ReadSettleRequest(*request);
  if (!command.ok()) {
    call.Finish(command.status());
    return call.reactor();
  }
  command->done = [answer = std::make_unique<SettleAnswer>(call, request, response)](
                      TokenSettlement settlement) { answer->Give(settlement); };
  rpc.loop->Post([broker = rpc.broker, command = *std::move(command)]() mutable {
    broker->SettleByTokens(std::move(command));
  });
  return call.reactor();
}

}  // namespace eventbus
