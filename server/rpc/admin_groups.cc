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
#include "server/rpc/group_policy.h"
#include "server/rpc/open_request.h"
#include "server/rpc/page.h"

namespace eventbus {
namespace {

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::Status CheckName(const std::string& name, absl::string_view field = "name") {
  const std::optional<FieldViolation> violation = CheckGroupName(View(name), field);
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

absl::StatusOr<DeleteGroupCommand> ReadDeleteGroup(const v1::DeleteGroupRequest& request) {
  if (absl::Status status = CheckName(request.name()); !status.ok()) return status;
  return DeleteGroupCommand{request.name(), request.only_if_idle(), request.dry_run()};
}

absl::StatusOr<CreateGroupCommand> ReadCreateGroup(const v1::CreateGroupRequest& request) {
  const v1::Group& group = request.group();
  CreateGroupCommand command;
  OpenRequest& open = command.open;
  open.group = group.name();
  open.ephemeral = group.ephemeral();
  open.revision = group.revision();
  command.paused = request.paused();
  absl::Status status = CheckName(group.name(), "group.name");
  if (status.ok() && group.patterns().empty()) {
    status = InvalidField("group.patterns", "at least one pattern is required");
  }
  if (status.ok()) status = ReadPatterns("group.patterns", group.patterns(), &open.patterns);
  if (status.ok()) status = ReadStartPosition("start", request.start(), &open.start);
  if (!status.ok()) return status;
  absl::StatusOr<GroupPolicyChange> policy = ReadGroupPolicy("group.policy", group.policy());
  if (!policy.ok()) return policy.status();
  open.policy = *std::move(policy);
  return command;
}

}  // namespace

UnaryReactor* StartListGroups(const RpcContext& rpc, CallContext* context,
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

UnaryReactor* StartGetGroup(const RpcContext& rpc, CallContext* context,
                            const v1::GetGroupRequest* request, v1::GetGroupResponse* response) {
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

UnaryReactor* StartCreateGroup(const RpcContext& rpc, CallContext* context,
                               const v1::CreateGroupRequest* request,
                               v1::CreateGroupResponse* response) {
  return RunAdminCall<GroupView>(
      rpc, context, "CreateGroup", ReadCreateGroup(*request),
      [](Broker& broker, CreateGroupCommand command, AdminDone<GroupView> done) {
        broker.groups().Create(std::move(command), std::move(done));
      },
      [response](const GroupView& group) { WriteGroup(group, response->mutable_group()); });
}

UnaryReactor* StartDeleteGroup(const RpcContext& rpc, CallContext* context,
                               const v1::DeleteGroupRequest* request,
                               v1::DeleteGroupResponse* response) {
  return RunAdminCall<GroupView>(
      rpc, context, "DeleteGroup", ReadDeleteGroup(*request),
      [](Broker& broker, DeleteGroupCommand command, AdminDone<GroupView> done) {
        broker.groups().Delete(std::move(command), std::move(done));
      },
      [response](const GroupView& group) { WriteGroup(group, response->mutable_group()); });
}

}  // namespace eventbus
