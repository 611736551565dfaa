// Several instances on one store.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(InstancesTest, AnEventReachesAMemberOnAnotherInstance) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("work", {"job"}, other);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

TEST(InstancesTest, ABatchOfAQuietStreamIsSharedByAllInstances) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 50;
  RecordingSink& here = bus.Open(request);
  RecordingSink& there = bus.Open(request, other);
  bus.PublishAll(std::vector<std::pair<std::string, std::string>>(100, {"job", "x"}));
  EXPECT_THAT(here.received, SizeIs(50));
  EXPECT_THAT(there.received, SizeIs(50));
}

TEST(InstancesTest, WhatADeadInstanceHeldIsTakenOver) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& dying = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(dying.ids(), ElementsAre("1"));
  RecordingSink& heir = bus.Join("work", {"job"}, other);
  bus.instance(0).Kill();
  bus.Run(absl::Seconds(8));
  EXPECT_THAT(heir.ids(), IsEmpty());
  bus.Run(absl::Seconds(5));
  ASSERT_THAT(heir.ids(), ElementsAre("1"));
  EXPECT_EQ(heir.received[0].attempt, 1U);
  EXPECT_EQ(heir.received[0].times_delivered, 2U);
}

TEST(InstancesTest, WhatADeadInstanceHeldIsTakenOverByWhoeverComesLater) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& dying = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(dying.ids(), ElementsAre("1"));
  bus.instance(0).Kill();
  bus.Run(absl::Minutes(1));
  RecordingSink& heir = bus.Join("work", {}, other);
  bus.Run(absl::Seconds(15));
  EXPECT_THAT(heir.ids(), ElementsAre("1"));
}

TEST(InstancesTest, ASlowHandlerIsNotRobbed) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& slow = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& idle = bus.Join("work", {"job"}, other);
  bus.Run(absl::Minutes(10));
  EXPECT_THAT(slow.ids(), ElementsAre("1"));
  EXPECT_THAT(idle.ids(), IsEmpty());
}

TEST(InstancesTest, AFrozenInstanceLosesWhatItHeldAndGoesOnUnderANewName) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& frozen = bus.Join("work", {"job"});
  RecordingSink& heir = bus.Join("work", {"job"}, other);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& holder = frozen.received.empty() ? heir : frozen;
  RecordingSink& taker = frozen.received.empty() ? frozen : heir;
  TestInstance& stopped = bus.instance(&holder == &frozen ? 0 : other);
  stopped.process().Freeze();
  bus.Run(absl::Seconds(15));
  ASSERT_THAT(taker.ids(), ElementsAre("1"));
  stopped.process().Thaw();
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(holder.lost, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(stopped.broker().instance_id(), testing::EndsWith(".2"));
  bus.AckAll(taker);
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(holder.received, SizeIs(1));
  EXPECT_THAT(taker.received, SizeIs(1));
}

TEST(InstancesTest, WhoSettlesByTokensHearsWhichOfThemAreLost) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.tokens = true;
  RecordingSink& sink = bus.Open(request);
  bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}});
  ASSERT_THAT(sink.tokens, SizeIs(3));
  TokenSettleCommand ack;
  ack.acks = {sink.tokens[1]};
  ack.done = [](const TokenSettlement&) {};
  bus.instance().broker().SettleByTokens(std::move(ack));
  bus.Run();
  bus.Join("work", {"job"}, other);
  bus.instance().process().Freeze();
  bus.Run(absl::Seconds(15));
  bus.instance().process().Thaw();
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(sink.lost_tokens, ElementsAre(sink.tokens[0], sink.tokens[2]));
  EXPECT_THAT(sink.lost, IsEmpty());
}

TEST(InstancesTest, WhenTheLastMemberHereLeavesOthersElsewhereGetItsEventsAtOnce) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 10;
  RecordingSink& here = bus.Open(request);
  RecordingSink& there = bus.Open(request, other);
  bus.PublishAll(std::vector<std::pair<std::string, std::string>>(20, {"job", "x"}));
  ASSERT_THAT(there.received, SizeIs(10));
  bus.Settle(there, {.acks = {{1, 10}}});
  bus.Close(here);
  EXPECT_THAT(there.received, SizeIs(20));
}

TEST(InstancesTest, AGroupCreatedOnOneInstanceGetsTypesBornOnAnother) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("all", {"*"}, other);
  bus.Close(sink);
  ASSERT_TRUE(bus.Publish("fresh.type", "1").ok());
  EXPECT_THAT(bus.Join("all", {}, other).ids(), ElementsAre("1"));
}

}  // namespace
}  // namespace eventbus
