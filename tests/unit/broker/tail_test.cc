// Looks from outside any group.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(TailTest, SeesEverythingFromNowOnAlsoOfNewTypes) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("a", "0").ok());
  RecordingSink& tail = bus.Tail({"*"});
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  ASSERT_TRUE(bus.Publish("b.c", "2").ok());
  EXPECT_THAT(tail.ids(), ElementsAre("1", "2"));
}

TEST(TailTest, EachTailSeesEachEvent) {
  TestBus bus;
  RecordingSink& one = bus.Tail({"a"});
  RecordingSink& two = bus.Tail({"a"});
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  EXPECT_THAT(one.ids(), ElementsAre("1"));
  EXPECT_THAT(two.ids(), ElementsAre("1"));
}

TEST(TailTest, StartsAtTheEarliest) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  EXPECT_THAT(bus.Tail({"a"}, StartEarliest{}).ids(), ElementsAre("1"));
}

TEST(TailTest, StartsAfterAPosition) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  const Position seen = *bus.Publish("a", "2");
  ASSERT_TRUE(bus.Publish("a", "3").ok());
  EXPECT_THAT(bus.Tail({"a"}, StartAfterPositions{{{"a", seen}}, {}}).ids(), ElementsAre("3"));
}

TEST(TailTest, KeepsTheOrderOfAStream) {
  TestBus bus;
  RecordingSink& tail = bus.Tail({"a"});
  std::vector<std::pair<std::string, std::string>> events;
  std::vector<std::string> expected;
  for (int i = 0; i < 3000; ++i) {
    events.emplace_back("a", std::to_string(i));
    expected.push_back(std::to_string(i));
  }
  bus.PublishAll(events);
  while (tail.received.size() < 3000) {
    const size_t before = tail.received.size();
    bus.Taken(tail, 1000, 1 << 20);
    ASSERT_GT(tail.received.size(), before);
  }
  EXPECT_EQ(tail.ids(), expected);
}

// Tails that go on from the same place share a read; the answer to an old one must not be taken for
// an answer about now.
TEST(TailTest, WhoComesWhenAReadIsUnderWayMissesNothing) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("a", "0").ok());
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.tail = true;
  request.patterns = {"a"};
  RecordingSink& eager = bus.Open(request, other);
  request.flow.max_in_flight = 1;
  RecordingSink& slow = bus.Open(request, other);
  // The page with the event comes at once, the news that there is nothing behind it late.
  FaultyStore& store = bus.instance(other).store();
  store.FailNext(StoreCall::kReadRange, StoreFault::kNone);
  store.DelayNext(StoreCall::kReadRange, absl::Milliseconds(100));
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  ASSERT_THAT(eager.ids(), ElementsAre("1"));
  ASSERT_TRUE(bus.Publish("a", "2").ok());
  ASSERT_THAT(eager.ids(), ElementsAre("1"));
  bus.Taken(slow, 1, 1000);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(eager.ids(), ElementsAre("1", "2"));
  EXPECT_THAT(slow.ids(), ElementsAre("1", "2"));
}

TEST(TailTest, ASlowTailGetsNoMoreThanItsLimitAndGoesOnWhereItWas) {
  TestBus bus;
  OpenRequest request;
  request.tail = true;
  request.patterns = {"a"};
  request.flow.max_in_flight = 2;
  RecordingSink& tail = bus.Open(request);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(bus.Publish("a", std::to_string(i)).ok());
  EXPECT_THAT(tail.received, SizeIs(2));
  bus.Taken(tail, 2, 1000);
  EXPECT_THAT(tail.ids(), ElementsAre("0", "1", "2", "3"));
  bus.Taken(tail, 2, 1000);
  EXPECT_THAT(tail.ids(), ElementsAre("0", "1", "2", "3", "4"));
}

}  // namespace
}  // namespace eventbus
