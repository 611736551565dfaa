#include "server/rpc/heartbeat.h"

#include "gtest/gtest.h"

namespace eventbus {
namespace {

using Action = Heartbeat::Decision::Action;

constexpr absl::Duration kInterval = absl::Seconds(10);
constexpr absl::Duration At(int64_t seconds) { return absl::Seconds(seconds); }

TEST(HeartbeatTest, QuietCallIsPingedOnceAnInterval) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/false, At(0));
  for (int i = 1; i <= 5; ++i) {
    const Heartbeat::Decision decision = heartbeat.Decide(At(10 * i), false);
    EXPECT_EQ(decision.action, Action::kPing);
    EXPECT_EQ(decision.ping, static_cast<uint64_t>(i));
    EXPECT_EQ(decision.again_in, kInterval);
    heartbeat.Sent(At(10 * i));
  }
}

TEST(HeartbeatTest, BusyCallNeedsNoPing) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/false, At(0));
  heartbeat.Sent(At(7));
  const Heartbeat::Decision decision = heartbeat.Decide(At(10), false);
  EXPECT_EQ(decision.action, Action::kWait);
  EXPECT_EQ(decision.again_in, At(7));
}

// The second ping and the verdict are a third of the interval apart.
TEST(HeartbeatTest, ClientThatPromisedPongsIsGoneAfterTwoUnanswered) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  Heartbeat::Decision decision = heartbeat.Decide(At(10), false);
  EXPECT_EQ(decision.action, Action::kPing);
  EXPECT_EQ(decision.again_in, kInterval / 3);
  heartbeat.Sent(At(10));
  EXPECT_EQ(heartbeat.Decide(At(13), false).action, Action::kWait);
  EXPECT_EQ(heartbeat.Decide(At(14), false).action, Action::kPing);
  heartbeat.Sent(At(14));
  EXPECT_EQ(heartbeat.Decide(At(17), false).action, Action::kWait);
  EXPECT_EQ(heartbeat.Decide(At(18), false).action, Action::kGone);
}

TEST(HeartbeatTest, ClientIsPingedAndGoneHoweverMuchIsSentToIt) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  int gone_at = 0;
  int pings = 0;
  for (int second = 1; second <= 60 && gone_at == 0; ++second) {
    heartbeat.Sent(At(second));
    const Action action = heartbeat.Decide(At(second), false).action;
    if (action == Action::kPing) ++pings;
    if (action == Action::kGone) gone_at = second;
  }
  EXPECT_EQ(pings, 2);
  EXPECT_EQ(gone_at, 18);
}

TEST(HeartbeatTest, ServerThatSaysNothingPingsHoweverMuchComes) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  for (int second = 1; second < 10; ++second) {
    heartbeat.Received(At(second));
    EXPECT_EQ(heartbeat.Decide(At(second), false).action, Action::kWait);
  }
  EXPECT_EQ(heartbeat.Decide(At(10), false).action, Action::kPing);
}

TEST(HeartbeatTest, OfAShortIntervalAnAnswerHasAllOfIt) {
  Heartbeat heartbeat(absl::Seconds(1), /*expects_pongs=*/true, At(0));
  EXPECT_EQ(heartbeat.Decide(At(1), false).again_in, absl::Seconds(1));
  Heartbeat other(absl::Seconds(3), /*expects_pongs=*/true, At(0));
  EXPECT_EQ(other.Decide(At(3), false).again_in, absl::Seconds(2));
}

TEST(HeartbeatTest, AnyMessageOfTheClientIsASignOfLife) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  for (int second = 10; second <= 200; second += 14) {
    EXPECT_EQ(heartbeat.Decide(At(second), false).action, Action::kPing);
    heartbeat.Sent(At(second));
    EXPECT_EQ(heartbeat.Decide(At(second + 4), false).action, Action::kPing);
    heartbeat.Sent(At(second + 4));
    heartbeat.Received(At(second + 4));
  }
}

// The client may read nothing, or it may read slowly: it has more time.
TEST(HeartbeatTest, PingsThatCannotBeWrittenCountAsUnanswered) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  EXPECT_EQ(heartbeat.Decide(At(10), true).action, Action::kPing);
  EXPECT_EQ(heartbeat.Decide(At(19), true).action, Action::kWait);
  EXPECT_EQ(heartbeat.Decide(At(20), true).action, Action::kPing);
  EXPECT_EQ(heartbeat.Decide(At(29), true).action, Action::kWait);
  EXPECT_EQ(heartbeat.Decide(At(30), true).action, Action::kGone);
}

TEST(HeartbeatTest, HalfClosedClientCannotAnswerAndIsNotExpectedTo) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  heartbeat.NoMoreToReceive();
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(heartbeat.Decide(At(10 * i), false).action, Action::kPing);
}

}  // namespace
}  // namespace eventbus
