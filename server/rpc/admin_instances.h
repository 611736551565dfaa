#ifndef EVENTBUS_SERVER_RPC_ADMIN_INSTANCES_H_
#define EVENTBUS_SERVER_RPC_ADMIN_INSTANCES_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// The RPCs of EventBusAdmin about instances and who subscribes where.
namespace eventbus {

UnaryReactor* StartListInstances(const RpcContext& rpc, CallContext* context,
                                 const v1::ListInstancesRequest* request,
                                 v1::ListInstancesResponse* response);
UnaryReactor* StartGetSubscriberStats(const RpcContext& rpc, CallContext* context,
                                      const v1::GetSubscriberStatsRequest* request,
                                      v1::GetSubscriberStatsResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_INSTANCES_H_
