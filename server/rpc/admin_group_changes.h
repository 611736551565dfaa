#ifndef EVENTBUS_SERVER_RPC_ADMIN_GROUP_CHANGES_H_
#define EVENTBUS_SERVER_RPC_ADMIN_GROUP_CHANGES_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// EventBusAdmin's calls that change groups which exist. Any of gRPC's threads.
namespace eventbus {

UnaryReactor* StartUpdateGroup(const RpcContext& rpc, CallContext* context,
                               const v1::UpdateGroupRequest* request,
                               v1::UpdateGroupResponse* response);

UnaryReactor* StartPauseGroup(const RpcContext& rpc, CallContext* context,
                              const v1::PauseGroupRequest* request,
                              v1::PauseGroupResponse* response);

UnaryReactor* StartResumeGroup(const RpcContext& rpc, CallContext* context,
                               const v1::ResumeGroupRequest* request,
                               v1::ResumeGroupResponse* response);

UnaryReactor* StartSeekGroup(const RpcContext& rpc, CallContext* context,
                             const v1::SeekGroupRequest* request, v1::SeekGroupResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_GROUP_CHANGES_H_
