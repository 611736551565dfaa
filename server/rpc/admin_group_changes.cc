#include "server/rpc/admin_group_changes.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/broker/group_editor.h"
#include "server/broker/group_name.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/errors.h"
#include "server/rpc/group_message.h"
#include "server/rpc/group_policy.h"
#include "server/rpc/open_request.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr int kMaxStreams = 1'000;

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::Status ReadName(absl::string_view path, const std::string& name) {
  const std::optional<FieldViolation> violation = CheckGroupName(View(name), path);
  if (violation.has_value()) return InvalidField(violation->field, violation->description);
  return absl::OkStatus();
}

// The fields of `policy` that the mask names, and whether it names all of them.
absl::Status MaskPolicy(const v1::GroupPolicy& policy, absl::string_view field,
                        v1::GroupPolicy* masked) {
  const std::string name(field);
  const auto* descriptor = v1::GroupPolicy::descriptor()->FindFieldByName(name);
  const auto* reflection = v1::GroupPolicy::GetReflection();
  if (descriptor == nullptr) {
    return InvalidField("update_mask", absl::StrCat("\"policy.", name, "\" is not a field"));
  }
  const bool set = descriptor->is_repeated() ? reflection->FieldSize(policy, descriptor) > 0
                                             : reflection->HasField(policy, descriptor);
  if (!set) {
    return InvalidField(
        absl::StrCat("group.policy.", name),
        "is in the update_mask and must be set; to go back to all defaults name `policy`");
  }
  v1::GroupPolicy one = policy;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(one, &fields);
  for (const auto* other : fields) {
    if (other != descriptor) reflection->ClearField(&one, other);
  }
  masked->MergeFrom(one);
  return absl::OkStatus();
}

absl::StatusOr<UpdateGroupCommand> ReadUpdate(const v1::UpdateGroupRequest& request) {
  UpdateGroupCommand command;
  const v1::Group& group = request.group();
  command.name = group.name();
  absl::Status status = ReadName("group.name", group.name());
  if (!status.ok()) return status;
  if (request.update_mask().paths().empty()) {
    return InvalidField("update_mask", "is required: it says which fields to change");
  }
  v1::GroupPolicy masked;
  for (const std::string& path : request.update_mask().paths()) {
    absl::string_view field = path;
    if (path == "patterns") {
      if (group.patterns().empty()) {
        return InvalidField("group.patterns", "at least one pattern is required");
      }
      status = ReadPatterns("group.patterns", group.patterns(), &command.patterns.emplace());
    } else if (path == "revision") {
      command.revision = group.revision();
    } else if (path == "policy") {
      command.reset_policy = true;
      masked.MergeFrom(group.policy());
    } else if (absl::ConsumePrefix(&field, "policy.")) {
      status = MaskPolicy(group.policy(), field, &masked);
    } else {
      status = InvalidField("update_mask", absl::StrCat(QuoteForMessage(View(path)),
                                                        " is not a field that can be changed"));
    }
    if (!status.ok()) return status;
  }
  absl::StatusOr<GroupPolicyChange> policy = ReadGroupPolicy("group.policy", masked);
  if (!policy.ok()) return policy.status();
  command.policy = *std::move(policy);
  if (request.has_expected_revision()) command.expected_revision = request.expected_revision();
  return command;
}

struct PauseCommand {
  std::string name;
  absl::Time until = absl::InfiniteFuture();
};

absl::StatusOr<PauseCommand> ReadPause(const v1::PauseGroupRequest& request) {
  PauseCommand command{request.name()};
  absl::Status status = ReadName("name", request.name());
  if (status.ok() && request.has_until()) {
    status = ReadTimestamp("until", request.until(), &command.until);
  }
  if (!status.ok()) return status;
  return command;
}

absl::StatusOr<std::string> ReadResume(const v1::ResumeGroupRequest& request) {
  if (absl::Status status = ReadName("name", request.name()); !status.ok()) return status;
  return request.name();
}

absl::StatusOr<SeekGroupCommand> ReadSeek(const v1::SeekGroupRequest& request) {
  SeekGroupCommand command;
  command.name = request.name();
  if (absl::Status status = ReadName("name", request.name()); !status.ok()) return status;
  if (request.target().start_case() == v1::StartPosition::START_NOT_SET) {
    return InvalidField("target", "is required");
  }
  absl::Status status = ReadStartPosition("target", request.target(), &command.target);
  if (!status.ok()) return status;
  if (request.streams_size() > kMaxStreams) {
    return InvalidField("streams", absl::StrCat("has ", request.streams_size(),
                                                " streams, at most ", kMaxStreams, " are allowed"));
  }
  command.streams.assign(request.streams().begin(), request.streams().end());
  command.dry_run = request.dry_run();
  return command;
}

// A changed group, and the store's time when it was changed.
struct Changed {
  KnownGroup group;
  absl::Time now;
};

GroupEditor::Done<KnownGroup> WithTime(const Broker& broker, AdminDone<Changed> done) {
  return [&broker, done = std::move(done)](absl::StatusOr<KnownGroup> group) mutable {
    if (!group.ok()) return done(group.status());
    done(Changed{*std::move(group), broker.StoreNow()});
  };
}

template <typename Response>
auto WriteChanged(Response* response) {
  return [response](const Changed& changed) {
    WriteGroup(changed.group, changed.now, response->mutable_group());
  };
}

struct Sought {
  SeekResult result;
  absl::Time now;
};

}  // namespace

UnaryReactor* StartUpdateGroup(const RpcContext& rpc, CallContext* context,
                               const v1::UpdateGroupRequest* request,
                               v1::UpdateGroupResponse* response) {
  return RunAdminCall<Changed>(
      rpc, context, "UpdateGroup", ReadUpdate(*request),
      [](Broker& broker, UpdateGroupCommand command, AdminDone<Changed> done) {
        broker.group_editor().Update(std::move(command), WithTime(broker, std::move(done)));
      },
      WriteChanged(response));
}

UnaryReactor* StartPauseGroup(const RpcContext& rpc, CallContext* context,
                              const v1::PauseGroupRequest* request,
                              v1::PauseGroupResponse* response) {
  return RunAdminCall<Changed>(
      rpc, context, "PauseGroup", ReadPause(*request),
      [](Broker& broker, PauseCommand command, AdminDone<Changed> done) {
        broker.group_editor().Pause(std::move(command.name), command.until,
                                    WithTime(broker, std::move(done)));
      },
      WriteChanged(response));
}

UnaryReactor* StartResumeGroup(const RpcContext& rpc, CallContext* context,
                               const v1::ResumeGroupRequest* request,
                               v1::ResumeGroupResponse* response) {
  return RunAdminCall<Changed>(
      rpc, context, "ResumeGroup", ReadResume(*request),
      [](Broker& broker, std::string name, AdminDone<Changed> done) {
        broker.group_editor().Resume(std::move(name), WithTime(broker, std::move(done)));
      },
      WriteChanged(response));
}

UnaryReactor* StartSeekGroup(const RpcContext& rpc, CallContext* context,
                             const v1::SeekGroupRequest* request, v1::SeekGroupResponse* response) {
  return RunAdminCall<Sought>(
      rpc, context, "SeekGroup", ReadSeek(*request),
      [](Broker& broker, SeekGroupCommand command, AdminDone<Sought> done) {
        broker.group_editor().Seek(
            std::move(command),
            [&broker, done = std::move(done)](absl::StatusOr<SeekResult> result) mutable {
              if (!result.ok()) return done(result.status());
              done(Sought{*std::move(result), broker.StoreNow()});
            });
      },
      [response](const Sought& sought) {
        WriteGroup(sought.result.group, sought.now, response->mutable_group());
        response->set_repeated_events(sought.result.repeated_events);
        response->set_skipped_events(sought.result.skipped_events);
        response->set_estimated(sought.result.estimated);
      });
}

}  // namespace eventbus
