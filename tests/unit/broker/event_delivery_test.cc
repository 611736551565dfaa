// The state machine of a delivery: every phase with every input.
#include "server/broker/event_delivery.h"

#include <optional>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

using P = DeliveryPhase;
using I = DeliveryInput;

struct Case {
  P phase;
  I input;
  // Nullopt: it has no meaning, and nothing changes.
  std::optional<P> next;
};

constexpr Case kCases[] = {
    {P::kReady, I::kDeliver, P::kInFlight}, {P::kReady, I::kAck, P::kSettled},
    {P::kReady, I::kRelease, {}},           {P::kReady, I::kDisconnect, {}},
    {P::kInFlight, I::kDeliver, {}},        {P::kInFlight, I::kAck, P::kSettled},
    {P::kInFlight, I::kRelease, P::kReady}, {P::kInFlight, I::kDisconnect, P::kReady},
    {P::kSettled, I::kDeliver, {}},         {P::kSettled, I::kAck, {}},
    {P::kSettled, I::kRelease, {}},         {P::kSettled, I::kDisconnect, {}},
};

TEST(EventDeliveryTest, EveryTransition) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::Message() << "phase " << static_cast<int>(c.phase) << " input "
                                    << static_cast<int>(c.input));
    EventDelivery delivery;
    delivery.phase = c.phase;
    delivery.times_delivered = 1;
    const EventDelivery before = delivery;
    EXPECT_EQ(Advance(c.input, &delivery), c.next.has_value());
    if (!c.next.has_value()) {
      EXPECT_EQ(delivery, before);
      continue;
    }
    EXPECT_EQ(delivery.phase, *c.next);
    EXPECT_EQ(delivery.times_delivered, c.input == I::kDeliver ? 2U : 1U);
    EXPECT_EQ(delivery.attempt(), 1U);
  }
}

}  // namespace
}  // namespace eventbus
