#ifndef EVENTBUS_SERVER_RPC_PULL_H_
#define EVENTBUS_SERVER_RPC_PULL_H_

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The RPC Pull.
grpc::ServerUnaryReactor* StartPull(const RpcContext& rpc, grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PULL_H_
