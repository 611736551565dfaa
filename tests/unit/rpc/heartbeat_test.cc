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
    const Heartbeat::Decision decision = heartbeat.Decide(At(10 * i));
    EXPECT_EQ(decision.action, Action::kPing);
    EXPECT_EQ(decision.ping, static_cast<uint64_t>(i));
    EXPECT_EQ(decision.again_in, kInterval);
    heartbeat.Sent(At(10 * i));
  }
}

TEST(HeartbeatTest, BusyCallNeedsNoPing) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/false, At(0));
  heartbeat.Sent(At(7));
  const Heartbeat::Decision decision = heartbeat.Decide(At(10));
  EXPECT_EQ(decision.action, Action::kWait);
  EXPECT_EQ(decision.again_in, At(7));
}

TEST(HeartbeatTest, ClientThatPromisedPongsIsGoneAfterTwoUnanswered) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  EXPECT_EQ(heartbeat.Decide(At(10)).action, Action::kPing);
  heartbeat.Sent(At(10));
  EXPECT_EQ(heartbeat.Decide(At(20)).action, Action::kPing);
  heartbeat.Sent(At(20));
  EXPECT_EQ(heartbeat.Decide(At(30)).action, Action::kGone);
}

TEST(HeartbeatTest, AnyMessageOfTheClientIsASignOfLife) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  for (int i = 1; i <= 9; i += 2) {
    EXPECT_EQ(heartbeat.Decide(At(10 * i)).action, Action::kPing);
    heartbeat.Sent(At(10 * i));
    EXPECT_EQ(heartbeat.Decide(At(10 * i + 10)).action, Action::kPing);
    heartbeat.Sent(At(10 * i + 10));
    heartbeat.Received();
  }
}

TEST(HeartbeatTest, PingsThatCannotBeWrittenCountAsUnanswered) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  EXPECT_EQ(heartbeat.Decide(At(10)).action, Action::kPing);
  EXPECT_EQ(heartbeat.Decide(At(20)).action, Action::kPing);
  EXPECT_EQ(heartbeat.Decide(At(30)).action, Action::kGone);
}

TEST(HeartbeatTest, HalfClosedClientCannotAnswerAndIsNotExpectedTo) {
  Heartbeat heartbeat(kInterval, /*expects_pongs=*/true, At(0));
  heartbeat.NoMoreToReceive();
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(heartbeat.Decide(At(10 * i)).action, Action::kPing);
}

}  // namespace
}  // namespace eventbus
