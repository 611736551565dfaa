#ifndef EVENTBUS_SERVER_RPC_ADMIN_STREAMS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_STREAMS_H_

#include "eventbus/v1/admin.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

// The RPCs of EventBusAdmin about streams.
namespace eventbus {

grpc::ServerUnaryReactor* StartListStreams(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::ListStreamsRequest* request,
                                           v1::ListStreamsResponse* response);
grpc::ServerUnaryReactor* StartPurgeStream(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::PurgeStreamRequest* request,
                                           v1::PurgeStreamResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_STREAMS_H_
