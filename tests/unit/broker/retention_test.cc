// What streams keep.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "server/broker/stream_policies.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

class DropEvents : public BrokerEvents {
 public:
  void OnDropped(absl::string_view stream, absl::string_view why,
                 const TrimResult& dropped) override {
    last_why = std::string(why);
    last_stream = std::string(stream);
    events += dropped.events;
    for (const GroupLoss& loss : dropped.losses) lost += loss.events;
  }
  std::string last_why;
  std::string last_stream;
  uint64_t events = 0;
  uint64_t lost = 0;
};

TEST(RetentionTest, EventsOlderThanTheTtlGoAndAreCounted) {
  BrokerOptions options;
  options.stream_policy.ttl = absl::Minutes(1);
  DropEvents drops;
  TestBus bus(options, &drops);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Seconds(59));
  EXPECT_EQ(drops.events, 0U);
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(drops.events, 1U);
  EXPECT_EQ(drops.last_why, "ttl");
  EXPECT_EQ(bus.store().GetStreamInfo("job")->events, 1U);
}

TEST(RetentionTest, WhatAGroupLosesIsCounted) {
  BrokerOptions options;
  options.stream_policy.max_events = 3;
  DropEvents drops;
  TestBus bus(options, &drops);
  RecordingSink& sink = bus.Join("work", {"job"});
  bus.Close(sink);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(drops.events, 2U);
  EXPECT_EQ(drops.lost, 2U);
  EXPECT_EQ(drops.last_why, "max_events");
}

TEST(RetentionTest, WhatEveryGroupHasSettledGoesWhereThePolicySaysSo) {
  BrokerOptions options;
  options.stream_policy.discard = Discard::kSettled;
  DropEvents drops;
  TestBus bus(options, &drops);
  RecordingSink& first = bus.Join("first", {"job"});
  RecordingSink& second = bus.Join("second", {"job"});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  bus.Run(absl::Seconds(1));
  bus.AckAll(first);
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(drops.events, 0U);
  bus.AckAll(second);
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(drops.events, 3U);
  EXPECT_EQ(drops.lost, 0U);
  EXPECT_EQ(drops.last_why, "settled");
}

TEST(RetentionTest, AStreamWithoutAGroupKeepsEverythingUntilItsTtl) {
  BrokerOptions options;
  options.stream_policy.discard = Discard::kSettled;
  DropEvents drops;
  TestBus bus(options, &drops);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Join("others", {"else"});
  bus.Run(absl::Seconds(30));
  EXPECT_EQ(drops.events, 0U);
}

TEST(RetentionTest, AFullStreamRefusesWhereThePolicySaysSoUntilThereIsRoom) {
  BrokerOptions options;
  options.stream_policy.max_events = 3;
  options.stream_policy.when_full = WhenStreamFull::kRefuse;
  options.stream_policy.ttl = absl::Minutes(1);
  DropEvents drops;
  TestBus bus(options, &drops);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  const absl::Status full = bus.Publish("job", "3").status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(full), Reason::kStreamFull);
  EXPECT_THAT(std::string(full.message()), testing::HasSubstr("its limit is 3 events"));
  ASSERT_TRUE(bus.Publish("other", "has room").ok());
  bus.Run(absl::Seconds(30));
  EXPECT_EQ(drops.events, 0U);
  EXPECT_FALSE(bus.Publish("job", "4").ok());
  bus.Run(absl::Seconds(40));
  EXPECT_EQ(drops.events, 4U);
  EXPECT_TRUE(bus.Publish("job", "5").ok());
}

TEST(StreamPoliciesTest, TheFirstRuleThatSetsAValueWinsForEachValue) {
  BrokerOptions options;
  options.stream_policy.ttl = absl::Hours(24);
  options.stream_policy_rules = {
      {.pattern = "audit.*", .max_events = 10},
      {.pattern = "*", .ttl = absl::Hours(1), .max_events = 99},
  };
  const StreamPolicies policies(options);
  EXPECT_EQ(policies.For("audit.login").max_events, 10U);
  EXPECT_EQ(policies.For("audit.login").ttl, absl::Hours(1));
  EXPECT_EQ(policies.For("job").max_events, 99U);
  EXPECT_EQ(policies.For("job").max_bytes, 0U);
}

}  // namespace
}  // namespace eventbus
