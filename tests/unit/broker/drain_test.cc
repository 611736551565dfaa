// How an instance stops.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DrainTest : public testing::Test {
 protected:
  void Drain(absl::Duration time = absl::Seconds(20)) {
    bus.instance().process().Post([this, time] {
      bus.instance().broker().Drain(bus.world().Now() + time, [this] { drained = true; });
    });
    bus.Run();
  }
  TestBus bus;
  bool drained = false;
};

TEST_F(DrainTest, AnIdleInstanceIsDrainedAtOnce) {
  Drain();
  EXPECT_TRUE(drained);
}

TEST_F(DrainTest, AMemberMaySettleWhatItHolds) {
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  Drain();
  EXPECT_TRUE(sink.drained);
  EXPECT_FALSE(sink.closed.has_value());
  EXPECT_FALSE(drained);
  bus.AckAll(sink);
  ASSERT_TRUE(sink.closed.has_value());
  EXPECT_EQ(ReasonOf(*sink.closed), Reason::kDraining);
  EXPECT_TRUE(drained);
  const size_t other = bus.AddInstance();
  EXPECT_THAT(bus.Join("work", {}, other).ids(), IsEmpty());
}

TEST_F(DrainTest, WhatIsNotSettledByTheDeadlineGoesToTheOthersAtOnce) {
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& elsewhere = bus.Join("work", {"job"}, other);
  Drain(absl::Seconds(20));
  bus.Run(absl::Seconds(19));
  EXPECT_FALSE(drained);
  EXPECT_THAT(elsewhere.ids(), IsEmpty());
  bus.Run(absl::Seconds(1) + absl::Milliseconds(10));
  EXPECT_TRUE(drained);
  EXPECT_TRUE(sink.closed.has_value());
  EXPECT_THAT(elsewhere.ids(), ElementsAre("1"));
}

TEST_F(DrainTest, PublishesAreRefusedAsNotStored) {
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  Drain();
  const auto refused = bus.Publish("job", "2");
  EXPECT_EQ(ReasonOf(refused.status()), Reason::kDraining);
  EXPECT_EQ(bus.store().GetStreamInfo("job")->entries, 1U);
  EXPECT_FALSE(sink.closed.has_value());
}

TEST_F(DrainTest, TailsAreToldAndEnd) {
  RecordingSink& tail = bus.Tail({"*"});
  Drain();
  EXPECT_TRUE(tail.drained);
  ASSERT_TRUE(tail.closed.has_value());
  EXPECT_TRUE(drained);
}

TEST(NeverJoinedTest, PublishesDoNotWaitForAStoreThatIsAwayAndDoNotKeepItFromStopping) {
  VirtualWorld world;
  MemoryStore store(MemoryStoreOptions{}, [&world] { return world.Now(); });
  TestInstance instance(&world, &store, "instance");
  std::vector<Reason> refusals;
  const auto publish = [&] {
    instance.broker().Publish(CommandOf({{"a", "1"}, {"b", "2"}}, [&](const PublishOutcome& known) {
      for (const PublishedRun& run : known) refusals.push_back(ReasonOf(run.status));
    }));
  };
  bool drained = false;
  instance.process().Post([&] {
    publish();
    instance.store().GoDown();
    publish();
  });
  world.Advance(absl::Seconds(3));
  EXPECT_THAT(refusals, Each(Reason::kNotStored));
  EXPECT_GE(refusals.size(), 3u);
  instance.process().Post(
      [&] { instance.broker().Drain(world.Now() + absl::Seconds(1), [&] { drained = true; }); });
  world.Advance(absl::Seconds(4));
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace eventbus
