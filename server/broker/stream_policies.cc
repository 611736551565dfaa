#include "server/broker/stream_policies.h"

#include <optional>

namespace eventbus {
namespace {

template <typename T>
void TakeFirst(std::optional<T>* taken, const std::optional<T>& offered) {
  if (!taken->has_value()) *taken = offered;
}

}  // namespace

StreamPolicies::StreamPolicies(const BrokerOptions& options) : default_(options.stream_policy) {
  for (const StreamPolicyRule& rule : options.stream_policy_rules) {
    auto pattern = Pattern::Parse(rule.pattern);
    if (pattern.ok()) rules_.emplace_back(*std::move(pattern), rule);
  }
}

StreamPolicy StreamPolicies::For(absl::string_view type) const {
  StreamPolicyRule found;
  for (const auto& [pattern, rule] : rules_) {
    if (!pattern.Matches(type)) continue;
    TakeFirst(&found.ttl, rule.ttl);
    TakeFirst(&found.max_bytes, rule.max_bytes);
    TakeFirst(&found.max_events, rule.max_events);
    TakeFirst(&found.when_full, rule.when_full);
    TakeFirst(&found.discard, rule.discard);
    TakeFirst(&found.max_events_per_entry, rule.max_events_per_entry);
    TakeFirst(&found.duplicate_window, rule.duplicate_window);
  }
  return {
      .ttl = found.ttl.value_or(default_.ttl),
      .max_bytes = found.max_bytes.value_or(default_.max_bytes),
      .max_events = found.max_events.value_or(default_.max_events),
      .when_full = found.when_full.value_or(default_.when_full),
      .discard = found.discard.value_or(default_.discard),
      .max_events_per_entry = found.max_events_per_entry.value_or(default_.max_events_per_entry),
      .duplicate_window = found.duplicate_window.value_or(default_.duplicate_window)};
}

}  // namespace eventbus
