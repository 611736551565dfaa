// Broker::Core: how this instance fares, for the others and for operators.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/broker/core.h"

namespace eventbus {

InstanceReport Broker::Core::Report() const {
  const absl::Duration now = context_.loop->MonotonicNow();
  InstanceReport report;
  report.incarnation = context_.incarnation;
  report.host = options_.host;
  report.address = options_.address;
  report.version = options_.version;
  report.started = started_at_;
  report.draining = draining_;
  report.published_per_second = meter_.published.PerSecond(now);
  report.delivered_per_second = meter_.delivered.PerSecond(now);
  report.as_of = context_.StoreNow();
  for (const auto& [name, group] : groups_) {
    SubscriberTotals totals = group->Stats(&report.subscribers);
    if (totals != SubscriberTotals()) report.groups.emplace(name, totals);
  }
  for (const auto& [id, tail] : tails_) {
    report.subscribers.push_back(tail->Stats());
    report.tails.Add(report.subscribers.back());
  }
  return report;
}

std::optional<GroupEventState> Broker::Core::HeldHere(const std::string& group,
                                                      const std::string& stream,
                                                      Position event) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? std::nullopt : found->second->HeldHere(stream, event);
}

void Broker::Core::NoteActivity(SubscriptionId id) {
  const auto tail = tails_.find(id);
  if (tail != tails_.end()) return tail->second->meter().Active();
  Group* const group = FindGroupOf(id);
  Member* const member = group == nullptr ? nullptr : group->FindMember(id);
  if (member != nullptr) member->meter().Active();
}

}  // namespace eventbus
