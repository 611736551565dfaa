#ifndef EVENTBUS_SERVER_RPC_EVENT_BUS_SERVICE_H_
#define EVENTBUS_SERVER_RPC_EVENT_BUS_SERVICE_H_

#include "server/rpc/call/call_router.h"
#include "server/rpc/call/unary_methods.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The service EventBus: which RPC is served by which file. Its messages are not parsed before,
// since the door reads them once. Neither `rpc` nor `calls` is owned; both must outlive the router.
void AddEventBusService(const RpcContext* rpc, OpenCalls* calls, CallRouter* router);

// Those of its methods whose calls come with their request. Pull is not among them, for it ends
// when its client is gone.
UnaryMethods EventBusUnaryMethods();

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_EVENT_BUS_SERVICE_H_
