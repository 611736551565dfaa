#ifndef EVENTBUS_SERVER_RPC_UNIMPLEMENTED_H_
#define EVENTBUS_SERVER_RPC_UNIMPLEMENTED_H_

#include "absl/strings/string_view.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/unary_call.h"

namespace eventbus {

// Answers a unary call with UNIMPLEMENTED. `name` is service and method, as in "EventBus.Pull".
inline UnaryReactor* Unimplemented(const RpcContext& rpc, CallContext* context,
                                   absl::string_view name) {
  const UnaryCall call(context, rpc.unimplemented_metrics);
  call.Finish(UnimplementedRpc(name));
  return call.reactor();
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_UNIMPLEMENTED_H_
