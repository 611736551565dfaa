#ifndef EVENTBUS_SERVER_RPC_UNARY_CALL_H_
#define EVENTBUS_SERVER_RPC_UNARY_CALL_H_

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/observe/metrics.h"
#include "server/rpc/errors.h"

namespace eventbus {

// One unary call that is still to be finished, and counted then. A cheap handle: gRPC owns what it
// refers to and keeps it until Finish, which must be called exactly once, on any thread.
class UnaryCall {
 public:
  UnaryCall(grpc::CallbackServerContext* context, RpcMetrics* metrics)
      : reactor_(context->DefaultReactor()), metrics_(metrics) {}

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

  void Finish(const absl::Status& status) const {
    metrics_->Finished(static_cast<int>(status.code()));
    reactor_->Finish(ToGrpcStatus(status));
  }

 private:
  grpc::ServerUnaryReactor* reactor_;
  RpcMetrics* metrics_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_UNARY_CALL_H_
