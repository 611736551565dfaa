#ifndef EVENTBUS_SERVER_RPC_ADMIN_EVENTS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_EVENTS_H_

#include "eventbus/v1/admin.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

// EventBusAdmin's calls about events. Any of gRPC's threads.
namespace eventbus {

grpc::ServerUnaryReactor* StartGetRecentEvents(const RpcContext& rpc,
                                               grpc::CallbackServerContext* context,
                                               const v1::GetRecentEventsRequest* request,
                                               v1::GetRecentEventsResponse* response);

grpc::ServerUnaryReactor* StartGetEvent(const RpcContext& rpc, grpc::CallbackServerContext* context,
                                        const v1::GetEventRequest* request,
                                        v1::GetEventResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_EVENTS_H_
