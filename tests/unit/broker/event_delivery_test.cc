// The state machine of a delivery: every phase with every input.
#include "server/broker/event_delivery.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

using P = DeliveryPhase;
using I = DeliveryInput;

// The phase after each input, in the order of kInputs. Nullopt: it has no meaning, and nothing
// changes.
struct Row {
  P phase;
  std::array<std::optional<P>, 10> next;
};

constexpr std::array<I, 10> kInputs = {I::kDeliver,    I::kAck,   I::kFail, I::kReject, I::kRelease,
                                       I::kDisconnect, I::kCrash, I::kDue,  I::kGiveUp, I::kBuried};
constexpr std::nullopt_t kNo = std::nullopt;
constexpr Row kRows[] = {
    {P::kReady, {P::kInFlight, P::kSettled, kNo, kNo, kNo, kNo, kNo, kNo, P::kDying, kNo}},
    {P::kInFlight,
     {kNo, P::kSettled, P::kWaiting, P::kDying, P::kReady, P::kReady, P::kReady, kNo, kNo, kNo}},
    {P::kWaiting, {kNo, P::kSettled, kNo, kNo, kNo, kNo, kNo, P::kReady, P::kDying, kNo}},
    {P::kDying, {kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, P::kSettled}},
    {P::kSettled, {kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo}},
};

TEST(EventDeliveryTest, EveryTransition) {
  for (const Row& row : kRows) {
    for (size_t i = 0; i < kInputs.size(); ++i) {
      const I input = kInputs[i];
      SCOPED_TRACE(testing::Message() << "phase " << static_cast<int>(row.phase) << " input "
                                      << static_cast<int>(input));
      EventDelivery delivery;
      delivery.phase = row.phase;
      delivery.times_delivered = 1;
      const EventDelivery before = delivery;
      EXPECT_EQ(Advance(input, &delivery), row.next[i].has_value());
      if (!row.next[i].has_value()) {
        EXPECT_EQ(delivery, before);
        continue;
      }
      EXPECT_EQ(delivery.phase, *row.next[i]);
      EXPECT_EQ(delivery.times_delivered, input == I::kDeliver ? 2U : 1U);
      EXPECT_EQ(delivery.attempt(), input == I::kFail ? 2U : 1U);
      EXPECT_EQ(delivery.crashes, input == I::kCrash ? 1U : 0U);
    }
  }
}

TEST(EventDeliveryTest, CountsStopAtTheirEnds) {
  EventDelivery delivery{P::kInFlight, 255, 65535, UINT32_MAX};
  EXPECT_TRUE(Advance(I::kCrash, &delivery));
  EXPECT_EQ(delivery.crashes, 255U);
  EXPECT_TRUE(Advance(I::kDeliver, &delivery));
  EXPECT_EQ(delivery.times_delivered, UINT32_MAX);
  EXPECT_TRUE(Advance(I::kFail, &delivery));
  EXPECT_EQ(delivery.attempt(), 65536U);
}

}  // namespace
}  // namespace eventbus
