#include "server/broker/group_editor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/broker/group_placer.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr int kMaxAttempts = 8;

absl::Status NoSuchGroup(const std::string& name) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kGroupNotFound,
                   absl::StrCat("there is no group \"", name, "\""), {{"group", name}});
}

uint64_t HighestStamp(const Registry& registry) {
  uint64_t stamp = 0;
  for (const auto& [stream, type] : registry.types()) stamp = std::max(stamp, type.stamp);
  return stamp;
}

}  // namespace

struct GroupEditor::Transition {
  std::string name;
  Planner planner;
  Done<Plan> done;
  Plan plan;
  int attempts = 0;
};

GroupEditor::GroupEditor(const Context* context, Registry* registry)
    : context_(context), registry_(registry) {}

// ---- One change ----

void GroupEditor::Run(std::string name, Planner planner, Done<Plan> done) {
  auto transition = std::make_shared<Transition>();
  transition->name = std::move(name);
  transition->planner = std::move(planner);
  transition->done = std::move(done);
  if (registry_->FindGroup(transition->name) == nullptr) return Look(transition);
  Begin(transition);
}

void GroupEditor::Look(const std::shared_ptr<Transition>& transition) {
  context_->store->ListGroups(
      lifetime_.Guard([this, transition](const absl::StatusOr<std::vector<GroupRecord>>& groups) {
        if (!groups.ok()) return transition->done(groups.status());
        for (const GroupRecord& record : *groups) {
          if (record.name != transition->name) continue;
          registry_->NoteGroup(record);
          return Begin(transition);
        }
        registry_->NoteGroupGone(transition->name);
        transition->done(NoSuchGroup(transition->name));
      }));
}

void GroupEditor::Begin(const std::shared_ptr<Transition>& transition) {
  const KnownGroup* group = registry_->FindGroup(transition->name);
  if (group == nullptr) return transition->done(NoSuchGroup(transition->name));
  if (++transition->attempts > kMaxAttempts) {
    return transition->done(MakeError(
        absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
        absl::StrCat("group \"", transition->name, "\" changes all the time; try again")));
  }
  absl::StatusOr<Plan> plan = transition->planner(*group);
  if (!plan.ok()) return transition->done(plan.status());
  transition->plan = *std::move(plan);
  CreateGroups(transition->plan.create, transition->plan.gives_birth,
               [this, transition](const absl::Status& status) {
                 if (!status.ok()) return transition->done(status);
                 Store(transition);
               });
}

void GroupEditor::Store(const std::shared_ptr<Transition>& transition) {
  transition->plan.after.definition.updated =
      absl::FromUnixMillis(absl::ToUnixMillis(context_->StoreNow()));
  GroupRecord record = transition->plan.after.record;
  record.definition = ToJson(transition->plan.after.definition);
  context_->store->UpdateGroup(
      std::move(record), transition->plan.before.record.version,
      lifetime_.Guard([this, transition](const absl::StatusOr<GroupRecord>& stored) {
        if (stored.status().code() == absl::StatusCode::kAborted) return Look(transition);
        if (stored.status().code() == absl::StatusCode::kNotFound) {
          return transition->done(NoSuchGroup(transition->name));
        }
        if (!stored.ok()) return transition->done(stored.status());
        transition->plan.after.record = *stored;
        registry_->NoteGroup(*stored);
        DestroyGroups(transition->plan.destroy);
        transition->done(std::move(transition->plan));
      }));
}

void GroupEditor::CreateGroups(const std::vector<CreateGroupRequest>& requests, bool give_birth,
                               absl::AnyInvocable<void(const absl::Status&)> next) {
  struct Progress {
    size_t open = 0;
    absl::Status status;
    absl::AnyInvocable<void(const absl::Status&)> next;

    void Ended(const absl::Status& how) {
      if (how.code() != absl::StatusCode::kNotFound) status.Update(how);
      if (--open == 0) next(status);
    }
  };
  if (requests.empty()) return next(absl::OkStatus());
  auto progress = std::make_shared<Progress>();
  progress->open = requests.size();
  progress->next = std::move(next);
  for (const CreateGroupRequest& request : requests) {
    context_->store->CreateGroup(
        request, lifetime_.Guard([this, progress, give_birth, stream = request.stream,
                                  key = request.group](const absl::Status& status) {
          if (status.code() != absl::StatusCode::kNotFound || !give_birth ||
              !registry_->HasType(stream)) {
            return progress->Ended(status);
          }
          // Its type is registered. Whoever is about to create it may know the group as it was.
          CreateStreamRequest birth = BirthOf(*registry_, stream);
          birth.groups.push_back(key);
          context_->store->CreateStream(
              std::move(birth),
              lifetime_.Guard([progress](const absl::StatusOr<CreateStreamResult>& result) {
                progress->Ended(result.status());
              }));
        }));
  }
}

void GroupEditor::DestroyGroups(const std::vector<std::pair<std::string, GroupKey>>& groups) {
  for (const auto& [stream, key] : groups) {
    context_->store->DestroyGroup(stream, key, [](const absl::Status&) {});
  }
}

void GroupEditor::Edit(std::string name, Change change, Done<KnownGroup> done) {
  Run(
      std::move(name),
      [change = std::move(change)](const KnownGroup& before) -> absl::StatusOr<Plan> {
        Plan plan{before, before, {}, {}};
        absl::Status status = change(&plan.after);
        if (!status.ok()) return status;
        return plan;
      },
      [done = std::move(done)](absl::StatusOr<Plan> plan) mutable {
        if (!plan.ok()) return done(plan.status());
        done(std::move(plan->after));
      });
}

// ---- Pausing ----

void GroupEditor::Pause(std::string name, absl::Time until, Done<KnownGroup> done) {
  Edit(
      std::move(name),
      [until](KnownGroup* group) {
        group->definition.paused_until = until;
        return absl::OkStatus();
      },
      std::move(done));
}

void GroupEditor::Resume(std::string name, Done<KnownGroup> done) {
  Edit(
      std::move(name),
      [](KnownGroup* group) {
        group->definition.paused_until = absl::InfinitePast();
        return absl::OkStatus();
      },
      std::move(done));
}

// ---- Updating ----

absl::Status ApplyUpdate(const UpdateGroupCommand& command, const GroupPolicy& default_policy,
                         KnownGroup* group) {
  GroupDefinition& definition = group->definition;
  if (command.expected_revision.has_value() && *command.expected_revision != definition.revision) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kGroupMismatch,
                     absl::StrCat("group \"", command.name, "\" has revision ", definition.revision,
                                  ", expected was ", *command.expected_revision),
                     {{"group", command.name}, {"field", "revision"}});
  }
  if (command.patterns.has_value()) {
    absl::StatusOr<PatternSet> patterns = PatternSet::Parse(*command.patterns);
    if (!patterns.ok()) return patterns.status();
    definition.patterns.clear();
    for (const std::string& pattern : *command.patterns) {
      std::vector<std::string>& all = definition.patterns;
      if (std::find(all.begin(), all.end(), pattern) == all.end()) all.push_back(pattern);
    }
    group->patterns = *std::move(patterns);
  }
  const bool ordered = definition.policy.ordered;
  if (command.policy.ordered.value_or(ordered) != ordered) {
    // Instances that follow the change at different times would read side by side.
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kGroupMismatch,
                     absl::StrCat("policy.ordered of group \"", command.name,
                                  "\" cannot be changed; delete the group, or use another one"),
                     {{"group", command.name}, {"field", "policy.ordered"}});
  }
  definition.policy =
      Apply(command.policy, command.reset_policy ? default_policy : definition.policy);
  definition.policy.ordered = ordered;
  if (command.revision.has_value()) definition.revision = *command.revision;
  return absl::OkStatus();
}

void GroupEditor::Update(UpdateGroupCommand command, Done<KnownGroup> done) {
  const std::string name = command.name;
  Run(
      name,
      [this, command = std::move(command)](const KnownGroup& before) -> absl::StatusOr<Plan> {
        Plan plan{before, before, {}, {}};
        absl::Status status = ApplyUpdate(command, context_->options->default_policy, &plan.after);
        if (!status.ok()) return status;
        for (const auto& [stream, type] : registry_->types()) {
          const bool was = before.patterns.Matches(stream);
          const bool is = plan.after.patterns.Matches(stream);
          // From now on, and before the others hear of it, who would begin elsewhere.
          if (is && !was) plan.create.push_back({stream, plan.after.KeyOn(stream), std::nullopt});
          if (was && !is) plan.destroy.emplace_back(stream, before.KeyOn(stream));
        }
        return plan;
      },
      [done = std::move(done)](absl::StatusOr<Plan> plan) mutable {
        if (!plan.ok()) return done(plan.status());
        done(std::move(plan->after));
      });
}

// ---- Seeking ----

void GroupEditor::Seek(SeekGroupCommand command, Done<SeekResult> done) {
  // The group may be known here, and not yet all types that are older: on those it would begin when
  // some instance happens to look.
  registry_->Renew(lifetime_.Guard([this, command = std::move(command),
                                    done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    SeekKnown(std::move(command), std::move(done));
  }));
}

void GroupEditor::SeekKnown(SeekGroupCommand command, Done<SeekResult> done) {
  const std::string name = command.name;
  // A generation of its own first: of two seeks at the same time, each makes other groups.
  Edit(
      name,
      [](KnownGroup* group) {
        GroupDefinition& definition = group->definition;
        definition.last_generation = group->LastGeneration() + 1;
        return absl::OkStatus();
      },
      [this, command = std::move(command),
       done = std::move(done)](absl::StatusOr<KnownGroup> reserved) mutable {
        if (!reserved.ok()) return done(reserved.status());
        SeekTo(std::move(command), *reserved, std::move(done));
      });
}

absl::StatusOr<GroupEditor::Plan> GroupEditor::PlanSeek(const KnownGroup& before,
                                                        const SeekGroupCommand& command,
                                                        uint64_t generation) const {
  Plan plan{before, before, {}, {}, /*gives_birth=*/!command.dry_run};
  GroupDefinition& definition = plan.after.definition;
  definition.start = command.target;
  definition.start_stamp = HighestStamp(*registry_);
  if (command.streams.empty()) {
    plan.after.record.generation = generation;
    definition.generations.clear();
  }
  for (const std::string& stream : command.streams) {
    if (!registry_->HasType(stream) || !before.patterns.Matches(stream)) {
      return MakeError(absl::StatusCode::kInvalidArgument, Reason::kBadPosition,
                       absl::StrCat("streams: \"", stream, "\" is no stream of group \"",
                                    before.record.name, "\""),
                       {{"stream", stream}});
    }
    definition.generations[stream] = generation;
  }
  for (const auto& [stream, type] : registry_->types()) {
    if (!before.patterns.Matches(stream)) continue;
    const GroupKey old_key = before.KeyOn(stream);
    const GroupKey new_key = plan.after.KeyOn(stream);
    if (old_key == new_key) continue;
    plan.create.push_back({stream, new_key, StartIn(command.target, stream).after});
    plan.destroy.emplace_back(stream, old_key);
  }
  return plan;
}

void GroupEditor::SeekTo(SeekGroupCommand command, const KnownGroup& reserved,
                         Done<SeekResult> done) {
  const uint64_t generation = reserved.definition.last_generation;
  absl::StatusOr<Plan> counted = PlanSeek(reserved, command, generation);
  if (!counted.ok()) return done(counted.status());
  const std::vector<CreateGroupRequest> create = counted->create;
  const bool moves = !command.dry_run;
  CreateGroups(create, moves,
               [this, command = std::move(command), generation, counted = *std::move(counted),
                done = std::move(done)](const absl::Status& created) mutable {
                 if (!created.ok()) return done(created);
                 std::vector<std::pair<std::string, GroupKey>> made;
                 for (const CreateGroupRequest& request : counted.create) {
                   made.emplace_back(request.stream, request.group);
                 }
                 CountSeek(std::move(counted), [this, command = std::move(command), generation,
                                                made = std::move(made), done = std::move(done)](
                                                   absl::StatusOr<SeekResult> result) mutable {
                   if (!result.ok() || command.dry_run) {
                     DestroyGroups(made);
                     return done(std::move(result));
                   }
                   const std::string name = command.name;
                   Run(
                       name,
                       [this, command = std::move(command), generation](const KnownGroup& before) {
                         return PlanSeek(before, command, generation);
                       },
                       [result = *std::move(result),
                        done = std::move(done)](absl::StatusOr<Plan> plan) mutable {
                         if (!plan.ok()) return done(plan.status());
                         result.group = std::move(plan->after);
                         done(std::move(result));
                       });
                 });
               });
}

struct GroupEditor::SeekCount {
  Plan plan;
  SeekResult result;
  // By stream: unread before, and after.
  std::vector<std::pair<uint64_t, uint64_t>> unread;
  size_t open = 0;
  absl::Status status;
  Done<SeekResult> done;
};

void GroupEditor::CountSeek(Plan plan, Done<SeekResult> done) {
  auto count = std::make_shared<SeekCount>();
  count->plan = std::move(plan);
  count->result.group = count->plan.before;
  count->done = std::move(done);
  const size_t streams = count->plan.create.size();
  count->unread.resize(streams);
  if (streams == 0) return count->done(std::move(count->result));
  count->open = 2 * streams;
  const auto ask = [this, &count](const std::string& stream, const GroupKey& key, size_t index,
                                  bool before) {
    context_->store->GetGroupInfo(
        {stream, key},
        lifetime_.Guard([count, index, before](const absl::StatusOr<GroupInfo>& info) {
          if (info.ok()) {
            uint64_t& unread = before ? count->unread[index].first : count->unread[index].second;
            unread = info->unread_events;
            count->result.estimated = count->result.estimated || !info->exact;
          } else if (info.status().code() != absl::StatusCode::kNotFound) {
            count->status.Update(info.status());
          }
          if (--count->open > 0) return;
          if (!count->status.ok()) return count->done(count->status);
          for (const auto& [old_unread, new_unread] : count->unread) {
            if (new_unread > old_unread) {
              count->result.repeated_events += new_unread - old_unread;
            } else {
              count->result.skipped_events += old_unread - new_unread;
            }
          }
          count->done(std::move(count->result));
        }));
  };
  for (size_t i = 0; i < streams; ++i) {
    ask(count->plan.create[i].stream, count->plan.destroy[i].second, i, true);
    ask(count->plan.create[i].stream, count->plan.create[i].group, i, false);
  }
}

}  // namespace eventbus
