#ifndef EVENTBUS_SERVER_RPC_ADMIN_EVENTS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_EVENTS_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// EventBusAdmin's calls about events. Any of gRPC's threads.
namespace eventbus {

UnaryReactor* StartGetRecentEvents(const RpcContext& rpc, CallContext* context,
                                   const v1::GetRecentEventsRequest* request,
                                   v1::GetRecentEventsResponse* response);

UnaryReactor* StartGetEvent(const RpcContext& rpc, CallContext* context,
                            const v1::GetEventRequest* request, v1::GetEventResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_EVENTS_H_
