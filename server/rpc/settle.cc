#include "server/rpc/settle.h"

#include <memory>
#include <utility>

#include "eventbus/v1/broker.pb.h"
#include "server/broker/reason.h"
#include "server/rpc/errors.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/settlement.h"
#include "server/rpc/unary_call.h"

namespace eventbus {
namespace {

// Finishes the call when it is destroyed, if the broker has not answered before.
class SettleAnswer {
 public:
  SettleAnswer(UnaryCall call, v1::SettleRequest request, grpc::ByteBuffer* response)
      : call_(call), request_(std::move(request)), response_(response) {}
  SettleAnswer(const SettleAnswer&) = delete;
  SettleAnswer& operator=(const SettleAnswer&) = delete;
  ~SettleAnswer() {
    if (answered_) return;
    call_.Finish(MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                           "the server stopped before the store had answered; settle again"));
  }

  void Give(const TokenSettlement& settlement) {
    answered_ = true;
    *response_ = BufferOf(WriteSettleResponse(request_, settlement));
    call_.Finish(absl::OkStatus());
  }

 private:
  UnaryCall call_;
  const v1::SettleRequest request_;
  // Lives until the call is finished.
  grpc::ByteBuffer* response_;
  bool answered_ = false;
};

absl::StatusOr<v1::SettleRequest> Parse(const grpc::ByteBuffer& buffer) {
  const RequestBytes bytes(buffer);
  v1::SettleRequest request;
  if (!request.ParseFromArray(bytes.view().data(), static_cast<int>(bytes.view().size()))) {
    return MalformedRequest("not a valid eventbus.v1.SettleRequest");
  }
  return request;
}

}  // namespace

UnaryReactor* StartSettle(const RpcContext& rpc, CallContext* context,
                          const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
  const UnaryCall call(context, rpc.settle_metrics);
  absl::StatusOr<v1::SettleRequest> parsed = Parse(*request);
  absl::StatusOr<TokenSettleCommand> command = TokenSettleCommand{};
  if (parsed.ok()) {
    command = ReadSettleRequest(*parsed);
  } else {
    command = parsed.status();
  }
  if (!command.ok()) {
    call.Finish(command.status());
    return call.reactor();
  }
  command->done = [answer = std::make_unique<SettleAnswer>(call, *std::move(parsed), response)](
                      const TokenSettlement& settlement) { answer->Give(settlement); };
  rpc.loop->Post([broker = rpc.broker, command = *std::move(command)]() mutable {
    broker->SettleByTokens(std::move(command));
  });
  return call.reactor();
}

}  // namespace eventbus
