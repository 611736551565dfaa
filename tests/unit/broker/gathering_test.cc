#include "server/broker/gathering.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

constexpr uint64_t kFewest = 8;

TEST(GatheringTest, WaitsForThreeQuartersOfWhatWasThereAtOnce) {
  struct Case {
    uint64_t waiting;
    uint64_t sent;
    bool waits;
  };
  // Of 64 that were there before.
  const std::vector<Case> cases = {{1, 0, true},   {16, 32, true},  {47, 0, true},
                                   {48, 0, false}, {48, 16, false}, {64, 0, false}};
  for (const Case& c : cases) {
    Gathering gathering;
    gathering.WaitsForMore(0, 64, kFewest, absl::Seconds(1));
    EXPECT_EQ(gathering.WaitsForMore(c.waiting, c.sent, kFewest, absl::Seconds(1)), c.waits)
        << c.waiting << " wait, " << c.sent << " are sent";
  }
}

TEST(GatheringTest, AFewDoNotWait) {
  Gathering gathering;
  for (uint64_t sent = 0; sent < kFewest - 1; ++sent) {
    EXPECT_FALSE(gathering.WaitsForMore(1, sent, kFewest, absl::Seconds(1)));
  }
  EXPECT_TRUE(gathering.WaitsForMore(1, kFewest - 1, kFewest, absl::Seconds(1)));
}

TEST(GatheringTest, WhatWasThereAtOnceIsForgotten) {
  constexpr absl::Duration kThen = absl::Seconds(1);
  struct Case {
    absl::Duration later;
    bool waits;
  };
  const std::vector<Case> cases = {{absl::ZeroDuration(), true},
                                   {Gathering::kRemembered, true},
                                   {2 * Gathering::kRemembered - absl::Nanoseconds(1), true},
                                   {2 * Gathering::kRemembered, false},
                                   {absl::Hours(1), false}};
  for (const Case& c : cases) {
    Gathering gathering;
    gathering.WaitsForMore(64, 0, kFewest, kThen);
    EXPECT_EQ(gathering.WaitsForMore(1, 0, kFewest, kThen + c.later), c.waits) << c.later;
  }
}

TEST(GatheringTest, WhoeverIsAskedOftenForgetsToo) {
  Gathering gathering;
  absl::Duration now = absl::Seconds(1);
  gathering.WaitsForMore(64, 0, kFewest, now);
  for (int i = 0; i < 25; ++i) {
    now += absl::Milliseconds(1);
    gathering.WaitsForMore(1, 0, kFewest, now);
  }
  EXPECT_FALSE(gathering.WaitsForMore(1, 0, kFewest, now));
}

TEST(GatheringTest, AfterAWaitInVainItGoesByWhatIsThereNow) {
  Gathering gathering;
  gathering.WaitsForMore(0, 64, kFewest, absl::Seconds(1));
  ASSERT_TRUE(gathering.WaitsForMore(12, 0, kFewest, absl::Seconds(1)));
  gathering.WaitedInVain(12, 0);
  EXPECT_TRUE(gathering.WaitsForMore(8, 0, kFewest, absl::Seconds(1)));
  EXPECT_FALSE(gathering.WaitsForMore(9, 0, kFewest, absl::Seconds(1)));
  gathering.WaitedInVain(2, 0);
  EXPECT_FALSE(gathering.WaitsForMore(1, 0, kFewest, absl::Seconds(1)));
}

}  // namespace
}  // namespace eventbus
