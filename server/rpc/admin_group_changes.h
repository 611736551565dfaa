#ifndef EVENTBUS_SERVER_RPC_ADMIN_GROUP_CHANGES_H_
#define EVENTBUS_SERVER_RPC_ADMIN_GROUP_CHANGES_H_

#include "eventbus/v1/admin.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

// EventBusAdmin's calls that change groups which exist. Any of gRPC's threads.
namespace eventbus {

grpc::ServerUnaryReactor* StartUpdateGroup(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::UpdateGroupRequest* request,
                                           v1::UpdateGroupResponse* response);

grpc::ServerUnaryReactor* StartPauseGroup(const RpcContext& rpc,
                                          grpc::CallbackServerContext* context,
                                          const v1::PauseGroupRequest* request,
                                          v1::PauseGroupResponse* response);

grpc::ServerUnaryReactor* StartResumeGroup(const RpcContext& rpc,
                                           grpc::CallbackServerContext* context,
                                           const v1::ResumeGroupRequest* request,
                                           v1::ResumeGroupResponse* response);

grpc::ServerUnaryReactor* StartSeekGroup(const RpcContext& rpc,
                                         grpc::CallbackServerContext* context,
                                         const v1::SeekGroupRequest* request,
                                         v1::SeekGroupResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_GROUP_CHANGES_H_
