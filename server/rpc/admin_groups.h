#ifndef EVENTBUS_SERVER_RPC_ADMIN_GROUPS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_GROUPS_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// The RPCs of EventBusAdmin about groups.
namespace eventbus {

UnaryReactor* StartListGroups(const RpcContext& rpc, CallContext* context,
                              const v1::ListGroupsRequest* request,
                              v1::ListGroupsResponse* response);
UnaryReactor* StartGetGroup(const RpcContext& rpc, CallContext* context,
                            const v1::GetGroupRequest* request, v1::GetGroupResponse* response);

UnaryReactor* StartCreateGroup(const RpcContext& rpc, CallContext* context,
                               const v1::CreateGroupRequest* request,
                               v1::CreateGroupResponse* response);
UnaryReactor* StartDeleteGroup(const RpcContext& rpc, CallContext* context,
                               const v1::DeleteGroupRequest* request,
                               v1::DeleteGroupResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_GROUPS_H_
