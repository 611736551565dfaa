#include "server/broker/rate_meter.h"

#include "gtest/gtest.h"

namespace eventbus {
namespace {

constexpr absl::Duration kBegin = absl::Milliseconds(25'200'123);

class RateMeterTest : public ::testing::Test {
 protected:
  void Add(absl::Duration at, uint64_t events) { meter_.Add(kBegin + at, events); }
  double At(absl::Duration at) const { return meter_.PerSecond(kBegin + at); }

  RateMeter meter_{absl::Minutes(1), kBegin};
};

TEST_F(RateMeterTest, NothingIsZero) {
  EXPECT_EQ(At(absl::ZeroDuration()), 0);
  EXPECT_EQ(At(absl::Hours(1)), 0);
}

TEST_F(RateMeterTest, AYoungMeterCountsTheTimeItHasBeenThere) {
  Add(absl::ZeroDuration(), 30);
  EXPECT_DOUBLE_EQ(At(absl::Milliseconds(100)), 30) << "at least a second";
  EXPECT_DOUBLE_EQ(At(absl::Seconds(10)), 3);
}

TEST_F(RateMeterTest, ASteadyRateIsTold) {
  for (int second = 0; second < 300; ++second) Add(absl::Seconds(second), 50);
  EXPECT_NEAR(At(absl::Seconds(300)), 50, 2);
}

TEST_F(RateMeterTest, WhatIsOverAMinuteAgoIsForgotten) {
  Add(absl::Seconds(1), 600);
  EXPECT_DOUBLE_EQ(At(absl::Seconds(58)), 600.0 / 58);
  EXPECT_EQ(At(absl::Seconds(65)), 0);
  Add(absl::Seconds(200), 60);
  EXPECT_DOUBLE_EQ(At(absl::Seconds(201)), 1);
}

TEST_F(RateMeterTest, ALongSilenceIsForgottenAtOnce) {
  Add(absl::Seconds(1), 600);
  Add(absl::Hours(10'000), 60);
  EXPECT_DOUBLE_EQ(At(absl::Hours(10'000)), 1);
}

}  // namespace
}  // namespace eventbus
