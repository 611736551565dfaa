#include "server/observe/instruments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace eventbus {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

TEST(InstrumentsTest, CountersFromManyThreadsLoseNothing) {
  Counter counter;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int n = 0; n < 10'000; ++n) counter.Increment(2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 80'000u);
}

TEST(InstrumentsTest, AGaugeGoesUpAndDownAndBelowZero) {
  Gauge gauge;
  gauge.Set(5);
  gauge.Add(2);
  gauge.Subtract(10);
  EXPECT_EQ(gauge.value(), -3);
}

TEST(InstrumentsTest, AHistogramCountsADurationInTheFirstBucketThatHoldsIt) {
  Histogram histogram({absl::Milliseconds(1), absl::Milliseconds(10)});
  histogram.Observe(absl::Milliseconds(1));  // A bound belongs to its bucket.
  histogram.Observe(absl::Milliseconds(2), 3);
  histogram.Observe(absl::Seconds(1));
  histogram.Observe(-absl::Seconds(1));  // A clock that went back.
  const Histogram::Snapshot snapshot = histogram.Read();
  EXPECT_THAT(snapshot.bounds_seconds, ElementsAre(DoubleEq(0.001), DoubleEq(0.01)));
  EXPECT_THAT(snapshot.cumulative, ElementsAre(2, 5, 6));
  EXPECT_DOUBLE_EQ(snapshot.sum_seconds, 1.007);
}

}  // namespace
}  // namespace eventbus
