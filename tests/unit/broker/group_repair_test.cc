// What becomes of a group whose cursor on a stream is gone from the store: a failover lost it, or
// somebody deleted it by hand.
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

const GroupKey kGroup{"audit", 1};

RecordingSink& Join(TestBus& bus, StartPosition start) {
  OpenRequest request;
  request.group = kGroup.name;
  request.patterns = {"job"};
  request.start = std::move(start);
  return bus.Open(request);
}

TEST(GroupRepairTest, AGroupThatIsGoneBeginsAgainWhereItBegan) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& sink = Join(bus, StartEarliest{});
  bus.AckAll(sink);
  ASSERT_TRUE(bus.store().DestroyGroup("job", kGroup).ok());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  bus.Run(absl::Seconds(2));
  // Once more rather than not at all.
  EXPECT_THAT(sink.ids(), ElementsAre("1", "1", "2"));
}

TEST(GroupRepairTest, OneThatBeganWithWhatIsNewMissesNothingThatCameMeanwhile) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("job", "long ago").ok());
  bus.Run(absl::Minutes(10));
  RecordingSink& sink = Join(bus, StartLatest{});
  ASSERT_TRUE(bus.store().DestroyGroup("job", kGroup).ok());
  // It is found out by reading, so after this.
  ASSERT_TRUE(bus.Publish("job", "meanwhile").ok());
  bus.Run(absl::Seconds(2));
  ASSERT_TRUE(bus.Publish("job", "after").ok());
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(sink.ids(), ElementsAre("meanwhile", "after"));
}

TEST(GroupRepairTest, OneWhoseStreamEndsEarlierThanItBeganBeginsAtThatEnd) {
  TestBus bus;
  // By the clock of the store that was there before.
  bus.instance().process().SetClockSkew(absl::Hours(1));
  ASSERT_TRUE(bus.Publish("job", "before").ok());
  RecordingSink& sink = Join(bus, StartLatest{});
  ASSERT_TRUE(bus.store().DestroyGroup("job", kGroup).ok());
  ASSERT_TRUE(bus.Publish("job", "meanwhile").ok());
  bus.Run(absl::Seconds(2));
  ASSERT_TRUE(bus.Publish("job", "after").ok());
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(sink.ids(), Contains("after"));
}

}  // namespace
}  // namespace eventbus
