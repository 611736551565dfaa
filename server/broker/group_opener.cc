#include "server/broker/group_opener.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr int kMaxAttempts = 4;

absl::Status StoreError(const absl::Status& status) {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                   absl::StrCat("the store could not be asked: ", status.message()));
}

absl::Status Mismatch(const std::string& group, const std::string& field, const std::string& stored,
                      const std::string& requested) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, Reason::kGroupMismatch,
      absl::StrCat("group \"", group, "\" exists with another ", field, ": stored ", stored,
                   ", requested ", requested,
                   "; leave the field unset to join the group as it is, or use another name"),
      {{"group", group}, {"field", field}, {"stored", stored}, {"requested", requested}});
}

std::vector<std::string> WithoutRepeats(const std::vector<std::string>& texts) {
  std::vector<std::string> unique;
  for (const std::string& text : texts) {
    if (std::find(unique.begin(), unique.end(), text) == unique.end()) unique.push_back(text);
  }
  return unique;
}

}  // namespace

GroupDefinition NewDefinition(const OpenRequest& request, const Context& context) {
  GroupDefinition definition;
  definition.patterns = WithoutRepeats(request.patterns);
  definition.ephemeral = request.ephemeral;
  definition.policy = Apply(request.policy, context.options->default_policy);
  if (request.ephemeral && !request.policy.inactive_expiry.has_value()) {
    definition.policy.inactive_expiry = context.options->ephemeral_expiry;
  }
  definition.revision = request.revision;
  definition.start = request.start;
  definition.created = absl::FromUnixMillis(absl::ToUnixMillis(context.StoreNow()));
  definition.updated = definition.created;
  return definition;
}

absl::Status TooManyGroupsError(uint64_t max_groups) {
  return MakeError(absl::StatusCode::kResourceExhausted, Reason::kTooManyGroups,
                   "as many groups exist as limits.max_groups allows; delete unused ones",
                   {{"limit", absl::StrCat(max_groups)}, {"setting", "limits.max_groups"}});
}

GroupOpener::GroupOpener(const Context* context, Registry* registry, GroupEditor* editor)
    : context_(context), registry_(registry), editor_(editor) {}

void GroupOpener::Open(const OpenRequest& request, Done done) {
  auto call = std::make_shared<Call>(Call{request, std::move(done)});
  if (call->request.group.empty()) {
    call->request.group = absl::StrCat("ephemeral/", context_->incarnation, "/", ++made_names_);
  }
  Look(call);
}

void GroupOpener::Look(const std::shared_ptr<Call>& call) {
  ++call->attempts;
  const KnownGroup* group = registry_->FindGroup(call->request.group);
  if (group != nullptr) {
    if (group->definition.policy.inactive_expiry == absl::InfiniteDuration()) {
      return Finish(call, false);
    }
    return Touch(call, *group);
  }
  if (!call->request.patterns.empty()) return Create(call);
  // Another instance may have created it a moment ago.
  if (call->attempts == 1) return LookAgain(call);
  call->done(MakeError(absl::StatusCode::kNotFound, Reason::kGroupNotFound,
                       absl::StrCat("there is no group \"", call->request.group,
                                    "\"; give patterns to have it created"),
                       {{"group", call->request.group}}));
}

void GroupOpener::LookAgain(const std::shared_ptr<Call>& call) {
  context_->store->ListGroups(
      lifetime_.Guard([this, call](const absl::StatusOr<std::vector<GroupRecord>>& groups) mutable {
        if (!groups.ok()) return call->done(StoreError(groups.status()));
        bool found = false;
        for (const GroupRecord& record : *groups) {
          if (record.name != call->request.group) continue;
          registry_->NoteGroup(record);
          found = true;
        }
        if (!found) registry_->NoteGroupGone(call->request.group);
        Look(call);
      }));
}

void GroupOpener::Create(const std::shared_ptr<Call>& call) {
  const OpenRequest& request = call->request;
  context_->store->RegisterGroup(
      request.group, ToJson(NewDefinition(request, *context_)), context_->options->max_groups,
      lifetime_.Guard([this, call](const absl::StatusOr<GroupRegistration>& registration) {
        if (registration.status().code() == absl::StatusCode::kResourceExhausted) {
          return call->done(TooManyGroupsError(context_->options->max_groups));
        }
        if (!registration.ok()) return call->done(StoreError(registration.status()));
        registry_->NoteTypes(registration->types, registration->group.stamp);
        registry_->NoteGroup(registration->group);
        if (registration->created) context_->events->OnGroupCreated(call->request.group);
        Finish(call, registration->created);
      }));
}

void GroupOpener::Touch(const std::shared_ptr<Call>& call, const KnownGroup& group) {
  context_->store->UpdateGroup(
      group.record, group.record.version,
      lifetime_.Guard([this, call](const absl::StatusOr<GroupRecord>& record) {
        if (record.ok()) {
          registry_->NoteGroup(*record);
          return Finish(call, false);
        }
        const bool changed = record.status().code() == absl::StatusCode::kAborted ||
                             record.status().code() == absl::StatusCode::kNotFound;
        if (changed && call->attempts < kMaxAttempts) return LookAgain(call);
        call->done(StoreError(record.status()));
      }));
}

void GroupOpener::Finish(const std::shared_ptr<Call>& call, bool created) {
  const std::string& name = call->request.group;
  const KnownGroup* group = registry_->FindGroup(name);
  if (group == nullptr) {
    return call->done(MakeError(
        absl::StatusCode::kAborted, Reason::kGroupChanged,
        absl::StrCat("group \"", name, "\" was deleted meanwhile; open again"), {{"group", name}}));
  }
  absl::Status difference = created ? absl::OkStatus() : Compare(call->request, *group);
  if (!difference.ok()) {
    const bool newer = call->request.revision > group->definition.revision;
    if (!call->request.update_group || call->updated || !newer) {
      return call->done(std::move(difference));
    }
    return Update(call);
  }
  if (!registry_->KnowsTypesBefore(group->record.stamp)) return LearnTypes(call, created);
  call->done(OpenedGroup{*group, created});
}

void GroupOpener::Update(const std::shared_ptr<Call>& call) {
  const OpenRequest& request = call->request;
  call->updated = true;
  UpdateGroupCommand command;
  command.name = request.group;
  if (!request.patterns.empty()) command.patterns = request.patterns;
  command.policy = request.policy;
  command.revision = request.revision;
  // Not over a newer one that somebody else has made meanwhile.
  command.expected_revision = registry_->FindGroup(request.group)->definition.revision;
  editor_->Update(std::move(command),
                  lifetime_.Guard([this, call](const absl::StatusOr<KnownGroup>& updated) {
                    const absl::StatusCode code = updated.status().code();
                    if (!updated.ok() && code != absl::StatusCode::kFailedPrecondition) {
                      return call->done(StoreError(updated.status()));
                    }
                    Finish(call, false);
                  }));
}

void GroupOpener::LearnTypes(const std::shared_ptr<Call>& call, bool created) {
  const uint64_t stamp = registry_->FindGroup(call->request.group)->record.stamp;
  context_->store->ListTypes(lifetime_.Guard(
      [this, call, created, stamp](const absl::StatusOr<std::vector<TypeRecord>>& types) {
        if (!types.ok()) return call->done(StoreError(types.status()));
        registry_->NoteTypes(*types, stamp);
        Finish(call, created);
      }));
}

absl::Status GroupOpener::Compare(const OpenRequest& request, const KnownGroup& group) const {
  if (!request.patterns.empty()) {
    const absl::StatusOr<PatternSet> patterns = PatternSet::Parse(request.patterns);
    if (!patterns.ok()) return patterns.status();
    if (!(*patterns == group.patterns)) {
      return Mismatch(group.record.name, "patterns",
                      absl::StrCat("[", absl::StrJoin(group.definition.patterns, ", "), "]"),
                      absl::StrCat("[", absl::StrJoin(request.patterns, ", "), "]"));
    }
  }
  if (request.ephemeral && !group.definition.ephemeral) {
    return Mismatch(group.record.name, "ephemeral", "false", "true");
  }
  const auto difference = FirstDifference(request.policy, group.definition.policy);
  if (!difference.has_value()) return absl::OkStatus();
  return Mismatch(group.record.name, absl::StrCat("policy.", difference->field), difference->stored,
                  difference->requested);
}

}  // namespace eventbus
