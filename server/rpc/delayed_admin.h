#ifndef EVENTBUS_SERVER_RPC_DELAYED_ADMIN_H_
#define EVENTBUS_SERVER_RPC_DELAYED_ADMIN_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// The RPCs ListDelayed and CancelDelayed: checked on gRPC's thread, answered from the loop.
namespace eventbus {

UnaryReactor* StartListDelayed(const RpcContext& rpc, CallContext* context,
                               const v1::ListDelayedRequest* request,
                               v1::ListDelayedResponse* response);

UnaryReactor* StartCancelDelayed(const RpcContext& rpc, CallContext* context,
                                 const v1::CancelDelayedRequest* request,
                                 v1::CancelDelayedResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_DELAYED_ADMIN_H_
