#include "server/broker/delivery_ranges.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(DeliveryRangesTest, CountsBothEnds) {
  EXPECT_EQ(CountOf({3, 5}), 3U);
  EXPECT_EQ(CountOf({5, 3}), 0U);
  EXPECT_EQ(CountOf({0, UINT64_MAX}), UINT64_MAX);
}

TEST(DeliveryRangesTest, GapsAreWhatNoPartCovers) {
  std::vector<DeliveryRange> gaps;
  AppendGaps({1, 10}, {{2, 3}, {7, 10}}, &gaps);
  EXPECT_THAT(gaps, ElementsAre(DeliveryRange{1, 1}, DeliveryRange{4, 6}));
  gaps.clear();
  AppendGaps({1, 10}, {{1, 10}}, &gaps);
  EXPECT_THAT(gaps, IsEmpty());
  AppendGaps({0, UINT64_MAX}, {{0, UINT64_MAX}}, &gaps);
  EXPECT_THAT(gaps, IsEmpty());
  AppendGaps({5, 1}, {}, &gaps);
  EXPECT_THAT(gaps, IsEmpty());
}

TEST(DeliveryRangesTest, NeighboursBecomeOne) {
  std::vector<DeliveryRange> ranges;
  AppendRange({1, 2}, &ranges);
  AppendRange({3, 4}, &ranges);
  AppendRange({6, 6}, &ranges);
  EXPECT_THAT(ranges, ElementsAre(DeliveryRange{1, 4}, DeliveryRange{6, 6}));
}

}  // namespace
}  // namespace eventbus
