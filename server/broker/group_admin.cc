#include "server/broker/group_admin.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/broker/fan_out.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

// Each looks at many streams by itself.
constexpr size_t kGroupsAtOnce = 2;

GroupState Total(const std::vector<GroupStreamState>& streams) {
  GroupState total;
  for (const GroupStreamState& stream : streams) total.Add(stream.state);
  return total;
}

}  // namespace

absl::Status GroupNotFoundError(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kGroupNotFound,
                   absl::StrCat("there is no group \"", name, "\""),
                   {{"group", std::string(name)}});
}

GroupAdmin::GroupAdmin(const Context* context, Registry* registry)
    : context_(context), registry_(registry), states_(context) {}

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
        AddStates(std::move(page), std::move(done));
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

void GroupAdmin::AddStates(GroupPage page, Done<GroupPage> done) {
  auto shared = std::make_shared<GroupPage>(std::move(page));
  FanOut(
      shared->groups.size(), kGroupsAtOnce,
      [this, shared](size_t i, FanOutDone one_done) {
        const KnownGroup& group = shared->groups[i].group;
        states_.Read(StreamsOf(group),
                     [shared, i, one_done = std::move(one_done)](
                         const absl::StatusOr<std::vector<GroupStreamState>>& streams) mutable {
                       if (streams.ok()) shared->groups[i].state = Total(*streams);
                       one_done(streams.status());
                     });
      },
      [shared, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(status);
        done(std::move(*shared));
      });
}

// ---- Get ----

void GroupAdmin::Get(std::string name, PageRequest page, Done<GroupWithStreams> done) {
  registry_->Renew(lifetime_.Guard([this, name = std::move(name), page = std::move(page),
                                    done = std::move(done)](const absl::Status& status) mutable {
    if (!status.ok()) return done(status);
    const KnownGroup* group = registry_->FindGroup(name);
    if (group == nullptr) return done(GroupNotFoundError(name));
    states_.Read(
        StreamsOf(*group), [this, group = *group, page = std::move(page), done = std::move(done)](
                               absl::StatusOr<std::vector<GroupStreamState>> streams) mutable {
          if (!streams.ok()) return done(streams.status());
          GroupWithStreams result;
          result.group = {std::move(group), context_->StoreNow(), Total(*streams)};
          const auto first = std::find_if(
              streams->begin(), streams->end(),
              [&page](const GroupStreamState& one) { return one.stream > page.after; });
          const auto left = static_cast<size_t>(streams->end() - first);
          const auto end = first + static_cast<ptrdiff_t>(std::min<size_t>(left, page.size));
          result.streams.assign(std::make_move_iterator(first), std::make_move_iterator(end));
          if (end != streams->end()) result.next = result.streams.back().stream;
          done(std::move(result));
        });
  }));
}

}  // namespace eventbus
