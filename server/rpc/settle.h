#ifndef EVENTBUS_SERVER_RPC_SETTLE_H_
#define EVENTBUS_SERVER_RPC_SETTLE_H_

#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The RPC Settle.
UnaryReactor* StartSettle(const RpcContext& rpc, CallContext* context,
                          const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_SETTLE_H_
