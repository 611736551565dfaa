#ifndef EVENTBUS_SERVER_RPC_RECEIVE_H_
#define EVENTBUS_SERVER_RPC_RECEIVE_H_

#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The RPC Receive: a SubscriberCall whose client says all it has to say at once.
StreamReactor* StartReceive(const RpcContext& rpc, OpenCalls* calls, CallContext* context,
                            const grpc::ByteBuffer* request);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_RECEIVE_H_
