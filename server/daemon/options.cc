#include "server/daemon/options.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace eventbus {

RpcOptions RpcOptionsFrom(const Config& config) {
  RpcOptions options;
  options.address = config.listen.address;
  options.default_source = config.publish.default_source;
  options.publish_window_messages = static_cast<uint32_t>(config.publish.stream_window_messages);
  options.publish_window_bytes = config.publish.stream_window_bytes;
  options.max_event_bytes = config.limits.max_event_bytes;
  options.max_batch_events = config.limits.max_batch_events;
  options.max_batch_bytes = config.limits.max_batch_bytes;
  options.default_max_in_flight = static_cast<uint32_t>(config.delivery.max_in_flight);
  options.default_max_in_flight_bytes = config.delivery.max_in_flight_bytes;
  options.max_in_flight = static_cast<uint32_t>(config.limits.max_in_flight);
  options.max_in_flight_bytes = config.limits.max_in_flight_bytes;
  options.heartbeat = config.heartbeat.interval;
  return options;
}

MemoryStoreOptions MemoryStoreOptionsFrom(const Config& config) {
  MemoryStoreOptions options;
  options.max_bytes = config.store.memory.max_bytes;
  options.max_events = config.store.memory.max_events;
  return options;
}

RedisStoreOptions RedisStoreOptionsFrom(const Config& config, RedisAddress address) {
  RedisStoreOptions options;
  options.address = std::move(address);
  options.prefix = config.store.redis.prefix;
  options.allow_eviction = config.store.redis.allow_eviction;
  options.reply_timeout = config.store.redis.timeout;
  options.min_replicas = config.store.redis.min_replicas;
  options.replica_timeout = config.store.redis.replica_timeout;
  return options;
}

namespace {

WhenStreamFull From(WhenFull when) {
  return when == WhenFull::kRefuse ? WhenStreamFull::kRefuse : WhenStreamFull::kDropOldest;
}

Discard From(DiscardWhat what) {
  return what == DiscardWhat::kSettled ? Discard::kSettled : Discard::kExpired;
}

}  // namespace

BrokerOptions BrokerOptionsFrom(const Config& config) {
  BrokerOptions options;
  options.address = config.listen.address;
  options.max_types = config.limits.max_types;
  options.max_groups = config.limits.max_groups;
  options.max_subscribers = config.limits.max_subscribers;
  options.publish_queue_events = config.publish.queue_events;
  options.publish_queue_bytes = config.publish.queue_bytes;
  options.max_entry_bytes = config.limits.max_entry_bytes;
  options.heartbeat_interval = config.instances.heartbeat_interval;
  options.dead_after = config.instances.dead_after;
  options.letter_bounds = {config.dead_letters.ttl, config.dead_letters.max_letters};
  options.max_waiting_events = config.limits.max_retrying;
  options.default_source = config.publish.default_source;
  options.ephemeral_expiry = config.delivery.inactive_expiry;
  options.resume_window = config.delivery.resume_window;
  options.stalled_after = config.delivery.stalled_after;
  options.stream_policy.ttl = config.retention.ttl;
  options.stream_policy.max_bytes = config.retention.max_bytes;
  options.stream_policy.max_events = config.retention.max_events;
  options.stream_policy.when_full = From(config.retention.when_full);
  options.stream_policy.discard = From(config.retention.discard);
  options.stream_policy.max_events_per_entry =
      static_cast<uint32_t>(config.limits.max_events_per_entry);
  options.stream_policy.duplicate_window = config.retention.duplicate_window;
  for (const RetentionRuleConfig& rule : config.retention.rules) {
    StreamPolicyRule& policy = options.stream_policy_rules.emplace_back();
    policy.pattern = rule.pattern;
    policy.ttl = rule.ttl;
    policy.max_bytes = rule.max_bytes;
    policy.max_events = rule.max_events;
    policy.duplicate_window = rule.duplicate_window;
    if (rule.when_full.has_value()) policy.when_full = From(*rule.when_full);
    if (rule.discard.has_value()) policy.discard = From(*rule.discard);
    if (rule.max_events_per_entry.has_value()) {
      policy.max_events_per_entry = static_cast<uint32_t>(*rule.max_events_per_entry);
    }
  }
  return options;
}

}  // namespace eventbus
