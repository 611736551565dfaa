#ifndef EVENTBUS_SERVER_RPC_ADMIN_STREAMS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_STREAMS_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// The RPCs of EventBusAdmin about streams.
namespace eventbus {

UnaryReactor* StartListStreams(const RpcContext& rpc, CallContext* context,
                               const v1::ListStreamsRequest* request,
                               v1::ListStreamsResponse* response);
UnaryReactor* StartPurgeStream(const RpcContext& rpc, CallContext* context,
                               const v1::PurgeStreamRequest* request,
                               v1::PurgeStreamResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_STREAMS_H_
