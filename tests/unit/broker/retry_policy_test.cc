#include "server/broker/retry_policy.h"

#include "gtest/gtest.h"

namespace eventbus {
namespace {

constexpr double kMiddle = 0.5;

TEST(RetryPolicyTest, TheDefaultsWaitOneTwoAndFourSeconds) {
  const GroupPolicy policy;
  EXPECT_EQ(RetryDelay(policy, 1, kMiddle), absl::Seconds(1));
  EXPECT_EQ(RetryDelay(policy, 2, kMiddle), absl::Seconds(2));
  EXPECT_EQ(RetryDelay(policy, 3, kMiddle), absl::Seconds(4));
  EXPECT_FALSE(AttemptsUsedUp(policy, 3));
  EXPECT_TRUE(AttemptsUsedUp(policy, 4));
}

TEST(RetryPolicyTest, JitterMakesADelayShorterOrLongerByItsShare) {
  GroupPolicy policy;
  policy.retry_jitter = 0.25;
  EXPECT_EQ(RetryDelay(policy, 1, 0), absl::Milliseconds(750));
  EXPECT_LT(RetryDelay(policy, 1, 0.999999), absl::Milliseconds(1250));
  EXPECT_GT(RetryDelay(policy, 1, 0.999999), absl::Milliseconds(1249));
}

TEST(RetryPolicyTest, NoDelayExceedsTheLongestHoweverOftenItFails) {
  const GroupPolicy policy;
  EXPECT_EQ(RetryDelay(policy, 8, kMiddle), absl::Minutes(1));
  EXPECT_EQ(RetryDelay(policy, 65535, kMiddle), absl::Minutes(1));
}

TEST(RetryPolicyTest, AListOfDelaysIsTakenAsItIsAndItsLastOneStays) {
  GroupPolicy policy;
  policy.retry_delays = {absl::Seconds(5), absl::ZeroDuration(), absl::Minutes(3)};
  EXPECT_EQ(RetryDelay(policy, 1, 0), absl::Seconds(5));
  EXPECT_EQ(RetryDelay(policy, 2, 0), absl::ZeroDuration());
  EXPECT_EQ(RetryDelay(policy, 3, 0), absl::Minutes(3));
  EXPECT_EQ(RetryDelay(policy, 9, 0), absl::Minutes(3));
}

TEST(RetryPolicyTest, WithoutRetriesTheFirstFailureIsTheLast) {
  GroupPolicy policy;
  policy.max_retries = 0;
  EXPECT_TRUE(AttemptsUsedUp(policy, 1));
}

}  // namespace
}  // namespace eventbus
