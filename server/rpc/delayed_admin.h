#ifndef EVENTBUS_SERVER_RPC_DELAYED_ADMIN_H_
#define EVENTBUS_SERVER_RPC_DELAYED_ADMIN_H_

#include "eventbus/v1/admin.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

// The RPCs ListDelayed and CancelDelayed: checked on gRPC's thread, answered from the loop.
namespace eventbus {

grpc::ServerUnaryReactor* StartListDelayed(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::ListDelayedRequest& request,
                                           v1::ListDelayedResponse* response);

grpc::ServerUnaryReactor* StartCancelDelayed(const RpcContext& rpc,
                                             grpc::CallbackServerContext* context,
                                             const v1::CancelDelayedRequest& request,
                                             v1::CancelDelayedResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_DELAYED_ADMIN_H_
