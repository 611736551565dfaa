#include "server/broker/group_expiry.h"

#include <utility>

#include "nlohmann/json.hpp"

namespace eventbus {

GroupExpiry::GroupExpiry(const Context* context, Registry* registry)
    : context_(context), registry_(registry), remover_(context, registry) {}

std::string GroupExpiry::Report(const std::vector<std::string>& groups_in_use) const {
  nlohmann::json report = {{"expiring_groups_in_use", nlohmann::json::array()}};
  for (const std::string& name : groups_in_use) {
    const KnownGroup* group = registry_->FindGroup(name);
    if (group != nullptr && group->definition.policy.inactive_expiry != absl::InfiniteDuration()) {
      report["expiring_groups_in_use"].push_back(name);
    }
  }
  return report.dump();
}

void GroupExpiry::OnReports(const std::vector<std::string>& reports) {
  absl::flat_hash_set<std::string> in_use;
  for (const std::string& text : reports) {
    const nlohmann::json report = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!report.is_object() || !report.contains("expiring_groups_in_use")) continue;
    for (const auto& name : report["expiring_groups_in_use"]) {
      if (name.is_string()) in_use.insert(name.get<std::string>());
    }
  }
  const absl::Duration now = context_->loop->MonotonicNow();
  absl::flat_hash_map<std::string, Use> last_used;
  std::vector<KnownGroup> expired;
  for (const auto& [name, group] : registry_->groups()) {
    const absl::Duration expiry = group.definition.policy.inactive_expiry;
    if (expiry == absl::InfiniteDuration()) continue;
    const auto before = last_used_.find(name);
    // Opening it has changed the version; who did so reports it with its next heartbeat only.
    const uint64_t version = group.record.version;
    const bool used =
        before == last_used_.end() || before->second.version != version || in_use.contains(name);
    const Use use = {used ? now : before->second.at, version};
    last_used[name] = use;
    if (now - use.at > expiry) expired.push_back(group);
  }
  last_used_ = std::move(last_used);
  for (const KnownGroup& group : expired) Delete(group);
}

void GroupExpiry::Delete(const KnownGroup& group) {
  context_->store->UnregisterGroup(
      group.record.name, group.record.version,
      lifetime_.Guard([this, group](const absl::Status& status) {
        if (!status.ok()) return;
        context_->events->OnGroupDeleted(group.record.name, "nobody was connected");
        registry_->NoteGroupGone(group.record.name);
        // Somebody may have opened one of the same name already.
        remover_.Remove(group.record.name, group.LastGeneration(), [] {});
      }));
}

}  // namespace eventbus
