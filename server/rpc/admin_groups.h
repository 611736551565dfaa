#ifndef EVENTBUS_SERVER_RPC_ADMIN_GROUPS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_GROUPS_H_

#include "eventbus/v1/admin.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

// The RPCs of EventBusAdmin about groups.
namespace eventbus {

grpc::ServerUnaryReactor* StartListGroups(const RpcContext& rpc,
                                          grpc::CallbackServerContext* context,
                                          const v1::ListGroupsRequest* request,
                                          v1::ListGroupsResponse* response);
grpc::ServerUnaryReactor* StartGetGroup(const RpcContext& rpc, grpc::CallbackServerContext* context,
                                        const v1::GetGroupRequest* request,
                                        v1::GetGroupResponse* response);

grpc::ServerUnaryReactor* StartCreateGroup(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::CreateGroupRequest* request,
                                           v1::CreateGroupResponse* response);
grpc::ServerUnaryReactor* StartDeleteGroup(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::DeleteGroupRequest* request,
                                           v1::DeleteGroupResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_GROUPS_H_
