#include "server/rpc/admin_service.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "eventbus/v1/admin.pb.h"
#include "server/rpc/admin_events.h"
#include "server/rpc/admin_group_changes.h"
#include "server/rpc/admin_groups.h"
#include "server/rpc/admin_instances.h"
#include "server/rpc/admin_letters.h"
#include "server/rpc/admin_streams.h"
#include "server/rpc/delayed_admin.h"

namespace eventbus {
namespace {

// Adds one method, served by `start`.
template <typename Request, typename Response, typename Start>
void AddMethod(absl::string_view name, const RpcContext* rpc, Start start, CallRouter* router) {
  router->AddParsed<Request, Response>(
      absl::StrCat("eventbus.v1.EventBusAdmin/", name),
      [rpc, start](CallContext* context, const Request* request, Response* response) {
        return start(*rpc, context, request, response);
      });
}

}  // namespace

void AddAdminService(const RpcContext* rpc, CallRouter* router) {
  AddMethod<v1::GetRecentEventsRequest, v1::GetRecentEventsResponse>("GetRecentEvents", rpc,
                                                                     StartGetRecentEvents, router);
  AddMethod<v1::GetEventRequest, v1::GetEventResponse>("GetEvent", rpc, StartGetEvent, router);
  AddMethod<v1::ListStreamsRequest, v1::ListStreamsResponse>("ListStreams", rpc, StartListStreams,
                                                             router);
  AddMethod<v1::PurgeStreamRequest, v1::PurgeStreamResponse>("PurgeStream", rpc, StartPurgeStream,
                                                             router);
  AddMethod<v1::ListGroupsRequest, v1::ListGroupsResponse>("ListGroups", rpc, StartListGroups,
                                                           router);
  AddMethod<v1::GetGroupRequest, v1::GetGroupResponse>("GetGroup", rpc, StartGetGroup, router);
  AddMethod<v1::CreateGroupRequest, v1::CreateGroupResponse>("CreateGroup", rpc, StartCreateGroup,
                                                             router);
  AddMethod<v1::UpdateGroupRequest, v1::UpdateGroupResponse>("UpdateGroup", rpc, StartUpdateGroup,
                                                             router);
  AddMethod<v1::DeleteGroupRequest, v1::DeleteGroupResponse>("DeleteGroup", rpc, StartDeleteGroup,
                                                             router);
  AddMethod<v1::PauseGroupRequest, v1::PauseGroupResponse>("PauseGroup", rpc, StartPauseGroup,
                                                           router);
  AddMethod<v1::ResumeGroupRequest, v1::ResumeGroupResponse>("ResumeGroup", rpc, StartResumeGroup,
                                                             router);
  AddMethod<v1::SeekGroupRequest, v1::SeekGroupResponse>("SeekGroup", rpc, StartSeekGroup, router);
  AddMethod<v1::GetSubscriberStatsRequest, v1::GetSubscriberStatsResponse>(
      "GetSubscriberStats", rpc, StartGetSubscriberStats, router);
  AddMethod<v1::ListDeadLettersRequest, v1::ListDeadLettersResponse>("ListDeadLetters", rpc,
                                                                     StartListDeadLetters, router);
  AddMethod<v1::RedriveDeadLettersRequest, v1::RedriveDeadLettersResponse>(
      "RedriveDeadLetters", rpc, StartRedriveDeadLetters, router);
  AddMethod<v1::PurgeDeadLettersRequest, v1::PurgeDeadLettersResponse>(
      "PurgeDeadLetters", rpc, StartPurgeDeadLetters, router);
  AddMethod<v1::ListDelayedRequest, v1::ListDelayedResponse>("ListDelayed", rpc, StartListDelayed,
                                                             router);
  AddMethod<v1::CancelDelayedRequest, v1::CancelDelayedResponse>("CancelDelayed", rpc,
                                                                 StartCancelDelayed, router);
  AddMethod<v1::ListInstancesRequest, v1::ListInstancesResponse>("ListInstances", rpc,
                                                                 StartListInstances, router);
}

}  // namespace eventbus
