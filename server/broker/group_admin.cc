#include "server/broker/group_admin.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/broker/fan_out.h"
#include "server/broker/group_opener.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

// Each looks at many streams by itself.
constexpr size_t kGroupsAtOnce = 2;
// At a group that changes all the time.
constexpr int kMaxAttempts = 5;

absl::Status InUseError(absl::string_view name, uint32_t subscribers) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kGroupInUse,
                   absl::StrCat("group \"", name, "\" has ", subscribers, " subscribers"),
                   {{"group", std::string(name)}});
}

absl::Status ExistsError(absl::string_view name) {
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kGroupExists,
                   absl::StrCat("there is a group \"", name, "\" already"),
                   {{"group", std::string(name)}});
}

GroupState Total(const std::vector<GroupStreamState>& streams, const SubscriberTotals& users) {
  GroupState total;
  for (const GroupStreamState& stream : streams) total.Add(stream.state);
  total.subscribers = static_cast<uint32_t>(users.subscribers);
  total.acked_per_second = users.acked_per_second;
  return total;
}

SubscriberTotals UsersOf(const KnownGroup& group, const GroupTotals& totals) {
  const auto found = totals.find(group.record.name);
  return found == totals.end() ? SubscriberTotals() : found->second;
}

}  // namespace

absl::Status GroupNotFoundError(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kGroupNotFound,
                   absl::StrCat("there is no group \"", name, "\""),
                   {{"group", std::string(name)}});
}

GroupAdmin::GroupAdmin(const Context* context, Registry* registry, InstanceDirectory* instances)
    : context_(context),
      registry_(registry),
      instances_(instances),
      states_(context),
      remover_(context, registry),
      placer_(context, registry) {}

std::vector<GroupOnStream> GroupAdmin::StreamsOf(const KnownGroup& group) const {
  std::vector<GroupOnStream> streams;
  for (const auto& [stream, type] : registry_->types()) {
    if (group.patterns.Matches(stream)) streams.push_back({stream, group.KeyOn(stream)});
  }
  return streams;
}

// ---- List ----

void GroupAdmin::List(GroupQuery query, Done<GroupPage> done) {
  registry_->Renew(lifetime_.Guard(
      [this, query = std::move(query), done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        GroupPage page = PageOf(query);
        if (!query.with_state) return done(std::move(page));
        instances_->CountByGroup(
            lifetime_.Guard([this, page = std::move(page), done = std::move(done)](
                                const absl::StatusOr<GroupTotals>& totals) mutable {
              if (!totals.ok()) return done(totals.status());
              AddStates(*totals, std::move(page), std::move(done));
            }));
      }));
}

GroupPage GroupAdmin::PageOf(const GroupQuery& query) const {
  GroupPage page;
  uint64_t bytes = 0;
  const auto& groups = registry_->groups();
  // From the first one with the prefix, or behind the last page.
  auto next = query.page.after < query.name_prefix ? groups.lower_bound(query.name_prefix)
                                                   : groups.upper_bound(query.page.after);
  for (; next != groups.end() && absl::StartsWith(next->first, query.name_prefix); ++next) {
    const KnownGroup& group = next->second;
    if (!query.type.empty() && !group.patterns.Matches(query.type)) continue;
    bytes += group.record.definition.size();
    const bool full = page.groups.size() >= query.page.size || bytes > kMaxPageBytes;
    if (full && !page.groups.empty()) {
      page.next = page.groups.back().group.record.name;
      return page;
    }
    page.groups.push_back({group, context_->StoreNow(), {}});
  }
  return page;
}

void GroupAdmin::AddStates(GroupTotals totals, GroupPage page, Done<GroupPage> done) {
  auto shared = std::make_shared<GroupPage>(std::move(page));
  FanOut(
      shared->groups.size(), kGroupsAtOnce,
      [this, shared, totals = std::move(totals)](size_t i, FanOutDone one_done) {
        const KnownGroup& group = shared->groups[i].group;
        states_.Read(StreamsOf(group),
                     [shared, i, users = UsersOf(group, totals), one_done = std::move(one_done)](
                         const absl::StatusOr<std::vector<GroupStreamState>>& streams) mutable {
                       if (streams.ok()) shared->groups[i].state = Total(*streams, users);
                       one_done(streams.status());
                     });
      },
      [shared, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        done(std::move(*shared));
      });
}

// ---- Get ----

void GroupAdmin::Look(const KnownGroup& group, Done<GroupLook> done) {
  instances_->CountByGroup(lifetime_.Guard(
      [this, group, done = std::move(done)](const absl::StatusOr<GroupTotals>& totals) mutable {
        if (!totals.ok()) return done(totals.status());
        states_.Read(StreamsOf(group),
                     [this, group, users = UsersOf(group, *totals), done = std::move(done)](
                         absl::StatusOr<std::vector<GroupStreamState>> streams) mutable {
                       if (!streams.ok()) return done(streams.status());
                       GroupLook look;
                       look.view = {group, context_->StoreNow(), Total(*streams, users)};
                       look.streams = *std::move(streams);
                       done(std::move(look));
                     });
      }));
}

void GroupAdmin::Get(std::string name, PageRequest page, Done<GroupWithStreams> done) {
  registry_->Renew(lifetime_.Guard([this, name = std::move(name), page = std::move(page),
                                    done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    const KnownGroup* group = registry_->FindGroup(name);
    if (group == nullptr) return done(GroupNotFoundError(name));
    Look(*group,
         [page = std::move(page), done = std::move(done)](absl::StatusOr<GroupLook> look) mutable {
           if (!look.ok()) return done(look.status());
           std::vector<GroupStreamState>& streams = look->streams;
           GroupWithStreams result;
           result.group = std::move(look->view);
           const auto first = std::find_if(
               streams.begin(), streams.end(),
               [&page](const GroupStreamState& one) { return one.stream > page.after; });
           const auto left = static_cast<size_t>(streams.end() - first);
           const auto end = first + static_cast<ptrdiff_t>(std::min<size_t>(left, page.size));
           result.streams.assign(std::make_move_iterator(first), std::make_move_iterator(end));
           if (end != streams.end()) result.next = result.streams.back().stream;
           done(std::move(result));
         });
  }));
}

// ---- Delete ----

void GroupAdmin::Delete(DeleteGroupCommand command, Done<GroupView> done) {
  TryToDelete(std::make_shared<Deletion>(Deletion{std::move(command), std::move(done)}));
}

void GroupAdmin::TryToDelete(const std::shared_ptr<Deletion>& deletion) {
  ++deletion->attempts;
  registry_->Renew(lifetime_.Guard([this, deletion](const absl::Status& status) {
    if (!status.ok()) return deletion->done(status);
    const DeleteGroupCommand& command = deletion->command;
    const KnownGroup* group = registry_->FindGroup(command.name);
    if (group == nullptr) return deletion->done(GroupNotFoundError(command.name));
    Look(*group, lifetime_.Guard([this, deletion](absl::StatusOr<GroupLook> look) {
      if (!look.ok()) return deletion->done(look.status());
      const uint32_t subscribers = look->view.state->subscribers;
      if (deletion->command.only_if_idle && subscribers > 0) {
        return deletion->done(InUseError(deletion->command.name, subscribers));
      }
      if (deletion->command.dry_run) return deletion->done(std::move(look->view));
      Unregister(deletion, std::move(look->view));
    }));
  }));
}

void GroupAdmin::Unregister(const std::shared_ptr<Deletion>& deletion, GroupView view) {
  const std::string unregistered = view.group.record.name;
  const uint64_t version = view.group.record.version;
  context_->store->UnregisterGroup(
      unregistered, version,
      lifetime_.Guard([this, deletion, view = std::move(view)](const absl::Status& status) mutable {
        // Somebody has changed it since it was looked at, or deleted it.
        const bool changed = status.code() == absl::StatusCode::kAborted ||
                             status.code() == absl::StatusCode::kNotFound;
        if (changed && deletion->attempts < kMaxAttempts) return TryToDelete(deletion);
        if (!status.ok()) return deletion->done(status);
        const std::string name = view.group.record.name;
        context_->events->OnGroupDeleted(name, "an operator asked for it");
        registry_->NoteGroupGone(name);
        remover_.Remove(
            name, GroupRemover::kAllGenerations,
            [deletion, view = std::move(view)]() mutable { deletion->done(std::move(view)); });
      }));
}

// ---- Create ----

// By value, as it comes over from the calls' threads.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void GroupAdmin::Create(CreateGroupCommand command, Done<GroupView> done) {
  const std::string name = command.open.group;
  GroupDefinition definition = NewDefinition(command.open, *context_);
  if (command.paused) definition.paused_until = absl::InfiniteFuture();
  context_->store->RegisterGroup(
      name, ToJson(definition), context_->options->max_groups,
      lifetime_.Guard([this, name, done = std::move(done)](
                          const absl::StatusOr<GroupRegistration>& registration) mutable {
        if (registration.status().code() == absl::StatusCode::kResourceExhausted) {
          return done(TooManyGroupsError(context_->options->max_groups));
        }
        if (!registration.ok()) return done(registration.status());
        registry_->NoteTypes(registration->types, registration->group.stamp);
        registry_->NoteGroup(registration->group);
        if (!registration->created) return done(ExistsError(name));
        context_->events->OnGroupCreated(name);
        placer_.Place(name, [this, name, done = std::move(done)]() mutable {
          const KnownGroup* group = registry_->FindGroup(name);
          if (group == nullptr) return done(GroupNotFoundError(name));
          done(GroupView{*group, context_->StoreNow(), {}});
        });
      }));
}

}  // namespace eventbus
