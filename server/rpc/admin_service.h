#ifndef EVENTBUS_SERVER_RPC_ADMIN_SERVICE_H_
#define EVENTBUS_SERVER_RPC_ADMIN_SERVICE_H_

#include "eventbus/v1/admin.grpc.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/admin_events.h"
#include "server/rpc/admin_group_changes.h"
#include "server/rpc/admin_groups.h"
#include "server/rpc/admin_instances.h"
#include "server/rpc/admin_letters.h"
#include "server/rpc/admin_streams.h"
#include "server/rpc/delayed_admin.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The service EventBusAdmin: passes each call on to the file of its family. Owned by RpcServer; any
// thread.
class AdminService final : public v1::EventBusAdmin::CallbackService {
 public:
  // Not owned; must outlive the calls.
  explicit AdminService(const RpcContext* rpc) : rpc_(*rpc) {}

 private:
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* GetRecentEvents(Context* context, const v1::GetRecentEventsRequest* request,
                           v1::GetRecentEventsResponse* response) override {
    return StartGetRecentEvents(rpc_, context, request, response);
  }
  Reactor* GetEvent(Context* context, const v1::GetEventRequest* request,
                    v1::GetEventResponse* response) override {
    return StartGetEvent(rpc_, context, request, response);
  }
  Reactor* ListStreams(Context* context, const v1::ListStreamsRequest* request,
                       v1::ListStreamsResponse* response) override {
    return StartListStreams(rpc_, context, request, response);
  }
  Reactor* PurgeStream(Context* context, const v1::PurgeStreamRequest* request,
                       v1::PurgeStreamResponse* response) override {
    return StartPurgeStream(rpc_, context, request, response);
  }
  Reactor* ListGroups(Context* context, const v1::ListGroupsRequest* request,
                      v1::ListGroupsResponse* response) override {
    return StartListGroups(rpc_, context, request, response);
  }
  Reactor* GetGroup(Context* context, const v1::GetGroupRequest* request,
                    v1::GetGroupResponse* response) override {
    return StartGetGroup(rpc_, context, request, response);
  }
  Reactor* CreateGroup(Context* context, const v1::CreateGroupRequest* request,
                       v1::CreateGroupResponse* response) override {
    return StartCreateGroup(rpc_, context, request, response);
  }
  Reactor* UpdateGroup(Context* context, const v1::UpdateGroupRequest* request,
                       v1::UpdateGroupResponse* response) override {
    return StartUpdateGroup(rpc_, context, request, response);
  }
  Reactor* DeleteGroup(Context* context, const v1::DeleteGroupRequest* request,
                       v1::DeleteGroupResponse* response) override {
    return StartDeleteGroup(rpc_, context, request, response);
  }
  Reactor* PauseGroup(Context* context, const v1::PauseGroupRequest* request,
                      v1::PauseGroupResponse* response) override {
    return StartPauseGroup(rpc_, context, request, response);
  }
  Reactor* ResumeGroup(Context* context, const v1::ResumeGroupRequest* request,
                       v1::ResumeGroupResponse* response) override {
    return StartResumeGroup(rpc_, context, request, response);
  }
  Reactor* SeekGroup(Context* context, const v1::SeekGroupRequest* request,
                     v1::SeekGroupResponse* response) override {
    return StartSeekGroup(rpc_, context, request, response);
  }
  Reactor* GetSubscriberStats(Context* context, const v1::GetSubscriberStatsRequest* request,
                              v1::GetSubscriberStatsResponse* response) override {
    return StartGetSubscriberStats(rpc_, context, request, response);
  }
  Reactor* ListDeadLetters(Context* context, const v1::ListDeadLettersRequest* request,
                           v1::ListDeadLettersResponse* response) override {
    return StartListDeadLetters(rpc_, context, request, response);
  }
  Reactor* RedriveDeadLetters(Context* context, const v1::RedriveDeadLettersRequest* request,
                              v1::RedriveDeadLettersResponse* response) override {
    return StartRedriveDeadLetters(rpc_, context, request, response);
  }
  Reactor* PurgeDeadLetters(Context* context, const v1::PurgeDeadLettersRequest* request,
                            v1::PurgeDeadLettersResponse* response) override {
    return StartPurgeDeadLetters(rpc_, context, request, response);
  }
  Reactor* ListDelayed(Context* context, const v1::ListDelayedRequest* request,
                       v1::ListDelayedResponse* response) override {
    return StartListDelayed(rpc_, context, *request, response);
  }
  Reactor* CancelDelayed(Context* context, const v1::CancelDelayedRequest* request,
                         v1::CancelDelayedResponse* response) override {
    return StartCancelDelayed(rpc_, context, *request, response);
  }
  Reactor* ListInstances(Context* context, const v1::ListInstancesRequest* request,
                         v1::ListInstancesResponse* response) override {
    return StartListInstances(rpc_, context, request, response);
  }

  const RpcContext& rpc_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_SERVICE_H_
