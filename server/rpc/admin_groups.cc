#include "server/rpc/admin_groups.h"

#include <optional>
#include <string>
#include <utility>

#include "server/broker/event_type.h"
#include "server/broker/field_violation.h"
#include "server/broker/group_admin.h"
#include "server/broker/group_name.h"
#include "server/broker/reason.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/group_message.h"
#include "server/rpc/page.h"

namespace eventbus {
namespace {

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::Status CheckName(const std::string& name) {
  const std::optional<FieldViolation> violation = CheckGroupName(View(name), "name");
  return violation.has_value() ? InvalidField(violation->field, violation->description)
                               : absl::OkStatus();
}

absl::StatusOr<GroupQuery> ReadListGroups(const v1::ListGroupsRequest& request) {
  GroupQuery query;
  query.name_prefix = request.name_prefix();
  query.type = request.type();
  query.with_state = !request.omit_state();
  if (!query.type.empty()) {
    const std::optional<FieldViolation> violation = CheckEventType(View(query.type));
    if (violation.has_value()) return InvalidField(violation->field, violation->description);
  }
  absl::StatusOr<PageRequest> page = ReadPage(request.page_size(), View(request.page_token()));
  if (!page.ok()) return page.status();
  query.page = *std::move(page);
  return query;
}

struct GetGroupCommand {
  std::string name;
  PageRequest page;
};

absl::StatusOr<GetGroupCommand> ReadGetGroup(const v1::GetGroupRequest& request) {
  if (absl::Status status = CheckName(request.name()); !status.ok()) return status;
  absl::StatusOr<PageRequest> page = ReadPage(request.page_size(), View(request.page_token()));
  if (!page.ok()) return page.status();
  return GetGroupCommand{request.name(), *std::move(page)};
}

}  // namespace

grpc::ServerUnaryReactor* StartListGroups(const RpcContext& rpc,
                                          grpc::CallbackServerContext* context,
                                          const v1::ListGroupsRequest* request,
                                          v1::ListGroupsResponse* response) {
  return RunAdminCall<GroupPage>(
      rpc, context, "ListGroups", ReadListGroups(*request),
      [](Broker& broker, GroupQuery query, AdminDone<GroupPage> done) {
        broker.groups().List(std::move(query), std::move(done));
      },
      [response](const GroupPage& page) {
        for (const GroupView& group : page.groups) WriteGroup(group, response->add_groups());
        response->set_next_page_token(WritePageToken(View(page.next)));
      });
}

grpc::ServerUnaryReactor* StartGetGroup(const RpcContext& rpc, grpc::CallbackServerContext* context,
                                        const v1::GetGroupRequest* request,
                                        v1::GetGroupResponse* response) {
  return RunAdminCall<GroupWithStreams>(
      rpc, context, "GetGroup", ReadGetGroup(*request),
      [](Broker& broker, GetGroupCommand command, AdminDone<GroupWithStreams> done) {
        broker.groups().Get(std::move(command.name), std::move(command.page), std::move(done));
      },
      [response](const GroupWithStreams& found) {
        WriteGroup(found.group, response->mutable_group());
        for (const GroupStreamState& stream : found.streams) {
          WriteGroupStreamState(stream, response->add_streams());
        }
        response->set_next_page_token(WritePageToken(View(found.next)));
      });
}

}  // namespace eventbus
