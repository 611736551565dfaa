#ifndef EVENTBUS_SERVER_RPC_UNARY_CALL_H_
#define EVENTBUS_SERVER_RPC_UNARY_CALL_H_

#include "absl/status/status.h"
#include "server/observe/metrics.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/errors.h"

namespace eventbus {

// One unary call that is still to be finished, and counted then. A cheap handle: what it refers to
// is the call's, and there until Finish, which must be called exactly once, on any thread.
class UnaryCall {
 public:
  UnaryCall(CallContext* context, RpcMetrics* metrics)
      : reactor_(context->DefaultReactor()), metrics_(metrics) {}

  UnaryReactor* reactor() const { return reactor_; }

  void Finish(const absl::Status& status) const {
    metrics_->Finished(static_cast<int>(status.code()));
    reactor_->Finish(ToGrpcStatus(status));
  }

 private:
  UnaryReactor* reactor_;
  RpcMetrics* metrics_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_UNARY_CALL_H_
