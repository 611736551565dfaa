// The promise on which forwarding without parsing rests: whatever the scanner accepts, protobuf
// accepts too and reads the same from it.
#include "tests/fuzz/event_differential.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fuzz/mutation.h"

namespace eventbus {
namespace {

TEST(EventDifferentialTest, RandomEventsAreAcceptedAndReadAlike) {
  std::mt19937_64 random(20260101);
  for (int i = 0; i < 5000; ++i) {
    const Comparison comparison = CompareWithProtobuf(MakeRandomEvent(random));
    ASSERT_EQ(comparison.verdict, Verdict::kAccepted) << comparison.disagreement;
  }
}

TEST(EventDifferentialTest, WhatIsAcceptedOfDamagedEventsIsReadAlike) {
  std::mt19937_64 random(20260102);
  std::vector<std::string> events;
  for (int i = 0; i < 500; ++i) events.push_back(MakeRandomEvent(random));
  int accepted = 0;
  int refused = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string bytes = events[random() % events.size()];
    for (size_t changes = 1 + random() % 2; changes > 0; --changes) {
      bytes = Mutate(bytes, events[random() % events.size()], random);
    }
    const Comparison comparison = CompareWithProtobuf(bytes);
    ASSERT_NE(comparison.verdict, Verdict::kDisagreement) << comparison.disagreement;
    (comparison.verdict == Verdict::kAccepted ? accepted : refused) += 1;
  }
  // Both kinds must be met often for this to say anything.
  EXPECT_GT(accepted, 10000);
  EXPECT_GT(refused, 10000);
}

}  // namespace
}  // namespace eventbus
