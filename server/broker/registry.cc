#include "server/broker/registry.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

constexpr absl::Duration kRetryDelay = absl::Milliseconds(500);

bool IsNewer(const GroupRecord& left, const GroupRecord& right) {
  return std::tie(left.stamp, left.version) > std::tie(right.stamp, right.version);
}

}  // namespace

Registry::Registry(const Context* context, RegistryListener* listener)
    : context_(context),
      listener_(listener),
      retry_timer_(context->loop->CreateTimer([this] { Refresh(); })) {}

void Registry::Refresh() {
  if (refreshing_) {
    again_ = true;
    return;
  }
  refreshing_ = true;
  again_ = false;
  retry_timer_->Disarm();
  noted_types_.clear();
  noted_groups_.clear();
  context_->store->ListGroups(lifetime_.Guard(
      [this](absl::StatusOr<std::vector<GroupRecord>> groups) { OnGroups(std::move(groups)); }));
}

void Registry::Renew(absl::AnyInvocable<void(absl::Status)> done) {
  (refreshing_ ? renewing_next_ : renewing_).push_back(std::move(done));
  Refresh();
}

void Registry::OnGroups(absl::StatusOr<std::vector<GroupRecord>> groups) {
  if (!groups.ok()) return RefreshEnded(groups.status());
  absl::flat_hash_set<std::string> present;
  const absl::flat_hash_set<std::string> noted = std::move(noted_groups_);
  noted_groups_.clear();
  for (const GroupRecord& record : *groups) {
    present.insert(record.name);
    // What was noted meanwhile may be older than this, or newer, which NoteGroup sees; but what was
    // found to be gone meanwhile is gone.
    if (!noted.contains(record.name) || groups_.contains(record.name)) NoteGroup(record);
  }
  std::vector<std::string> gone;
  for (const auto& [name, group] : groups_) {
    if (!present.contains(name) && !noted.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) NoteGroupGone(name);
  // After the groups, so that all types that are older than one of them are known.
  uint64_t stamp = 0;
  for (const GroupRecord& record : *groups) stamp = std::max(stamp, record.stamp);
  context_->store->ListTypes(
      lifetime_.Guard([this, stamp](const absl::StatusOr<std::vector<TypeRecord>>& types) {
        OnTypes(stamp, types);
      }));
}

void Registry::OnTypes(uint64_t stamp, const absl::StatusOr<std::vector<TypeRecord>>& types) {
  if (types.ok()) {
    absl::flat_hash_set<std::string> present = std::exchange(noted_types_, {});
    for (const TypeRecord& type : *types) present.insert(type.stream);
    std::vector<std::string> gone;
    for (const auto& [stream, type] : types_) {
      if (!present.contains(stream)) gone.push_back(stream);
    }
    for (const std::string& stream : gone) NoteTypeGone(stream);
    NoteTypes(*types, stamp);
  }
  RefreshEnded(types.status());
}

void Registry::NoteTypeGone(const std::string& stream) {
  if (types_.erase(stream) > 0) listener_->OnTypeGone(stream);
}

void Registry::RefreshEnded(const absl::Status& status) {
  refreshing_ = false;
  auto renewed = std::exchange(renewing_, std::exchange(renewing_next_, {}));
  if (!status.ok()) {
    retry_timer_->Arm(kRetryDelay);
    for (auto& done : renewed) done(status);
    for (auto& done : std::exchange(renewing_, {})) done(status);
    return;
  }
  for (auto& done : renewed) done(absl::OkStatus());
  if (!ready_) {
    ready_ = true;
    for (auto& task : std::exchange(when_ready_, {})) task();
  }
  if (again_) Refresh();
}

void Registry::WhenReady(absl::AnyInvocable<void()> done) {
  if (ready_) return done();
  when_ready_.push_back(std::move(done));
}

const KnownGroup* Registry::FindGroup(absl::string_view name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

void Registry::NoteType(const TypeRecord& type) {
  if (refreshing_) noted_types_.insert(type.stream);
  const auto [place, added] = types_.try_emplace(type.stream, type);
  if (!added && place->second.stamp == type.stamp) return;
  place->second = type;
  listener_->OnTypeKnown(type);
}

void Registry::NoteTypes(const std::vector<TypeRecord>& types, uint64_t stamp) {
  for (const TypeRecord& type : types) {
    NoteType(type);
    stamp = std::max(stamp, type.stamp);
  }
  types_known_before_ = std::max(types_known_before_, stamp);
}

void Registry::NoteGroup(const GroupRecord& record) {
  if (refreshing_) noted_groups_.insert(record.name);
  const auto known = groups_.find(record.name);
  if (known != groups_.end() && !IsNewer(record, known->second.record)) return;
  absl::StatusOr<GroupDefinition> definition = GroupDefinitionFromJson(record.definition);
  if (!definition.ok()) {
    return context_->events->OnTrouble(absl::StrCat("definition of group ", record.name),
                                       definition.status());
  }
  absl::StatusOr<PatternSet> patterns = PatternSet::Parse(definition->patterns);
  if (!patterns.ok()) {
    return context_->events->OnTrouble(absl::StrCat("patterns of group ", record.name),
                                       patterns.status());
  }
  KnownGroup& group = groups_[record.name];
  group = KnownGroup{record, *std::move(definition), *std::move(patterns)};
  const KnownGroup copy = group;  // The listener may lead to changes of groups_.
  listener_->OnGroupKnown(copy);
}

void Registry::NoteGroupGone(const std::string& name) {
  if (refreshing_) noted_groups_.insert(name);
  if (groups_.erase(name) > 0) listener_->OnGroupGone(name);
}

}  // namespace eventbus
