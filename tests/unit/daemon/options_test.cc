#include "server/daemon/options.h"

#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(OptionsTest, SettingsReachTheirRooms) {
  Config config;
  config.listen.address = "127.0.0.1:7";
  config.publish.default_source = "/me";
  config.publish.queue_bytes = 11;
  config.limits.max_batch_events = 12;
  config.limits.max_types = 13;
  config.limits.max_events_per_entry = 14;
  config.delivery.max_in_flight = 15;
  config.heartbeat.interval = absl::Seconds(16);
  config.retention.ttl = absl::Hours(17);
  config.store.memory.max_events = 18;
  config.instances.heartbeat_interval = absl::Milliseconds(19);
  config.instances.dead_after = absl::Seconds(20);
  EXPECT_EQ(RpcOptionsFrom(config).address, "127.0.0.1:7");
  EXPECT_EQ(RpcOptionsFrom(config).default_source, "/me");
  EXPECT_EQ(RpcOptionsFrom(config).max_batch_events, 12u);
  EXPECT_EQ(RpcOptionsFrom(config).default_max_in_flight, 15u);
  EXPECT_EQ(RpcOptionsFrom(config).heartbeat, absl::Seconds(16));
  EXPECT_EQ(BrokerOptionsFrom(config).publish_queue_bytes, 11u);
  EXPECT_EQ(BrokerOptionsFrom(config).max_types, 13u);
  EXPECT_EQ(BrokerOptionsFrom(config).stream_policy.max_events_per_entry, 14u);
  EXPECT_EQ(BrokerOptionsFrom(config).stream_policy.ttl, absl::Hours(17));
  EXPECT_EQ(MemoryStoreOptionsFrom(config).max_events, 18u);
  EXPECT_EQ(BrokerOptionsFrom(config).heartbeat_interval, absl::Milliseconds(19));
  EXPECT_EQ(BrokerOptionsFrom(config).dead_after, absl::Seconds(20));
}

TEST(OptionsTest, RulesKeepWhatIsUnset) {
  Config config;
  RetentionRuleConfig& rule = config.retention.rules.emplace_back();
  rule.pattern = "audit.*";
  rule.max_events_per_entry = 1;
  const BrokerOptions options = BrokerOptionsFrom(config);
  ASSERT_EQ(options.stream_policy_rules.size(), 1u);
  EXPECT_EQ(options.stream_policy_rules[0].pattern, "audit.*");
  EXPECT_EQ(options.stream_policy_rules[0].max_events_per_entry, 1u);
  EXPECT_FALSE(options.stream_policy_rules[0].ttl.has_value());
}

}  // namespace
}  // namespace eventbus
