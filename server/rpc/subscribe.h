#ifndef EVENTBUS_SERVER_RPC_SUBSCRIBE_H_
#define EVENTBUS_SERVER_RPC_SUBSCRIBE_H_

#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The RPC Subscribe: reads what the client says and passes it to a SubscriberCall, which does the
// rest.
StreamReactor* StartSubscribe(const RpcContext& rpc, OpenCalls* calls, CallContext* context);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_SUBSCRIBE_H_
