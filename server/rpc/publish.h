#ifndef EVENTBUS_SERVER_RPC_PUBLISH_H_
#define EVENTBUS_SERVER_RPC_PUBLISH_H_

#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// The RPCs Publish and PublishBatch: checked on gRPC's thread, published on the loop, answered from
// there. A caller that goes away changes nothing: its events are in the hands of the broker, and
// the answer goes nowhere.
namespace eventbus {

UnaryReactor* StartPublish(const RpcContext& rpc, CallContext* context,
                           const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

UnaryReactor* StartPublishBatch(const RpcContext& rpc, CallContext* context,
                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PUBLISH_H_
