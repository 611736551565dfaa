#include "server/rpc/call/lookout.h"

#include "gtest/gtest.h"

namespace eventbus {
namespace {

const absl::Duration kStep = Lookout::kLongest / 10;

class LookoutTest : public ::testing::Test {
 protected:
  // Looks every step for as long as it should, and says for how long.
  absl::Duration LookInVain() {
    const absl::Duration begin = now_;
    while (lookout_.LookAgain(now_)) now_ += kStep;
    return now_ - begin;
  }
  void Distrust() {
    for (int i = 0; i < Lookout::kMostTrust; ++i) EXPECT_EQ(LookInVain(), Lookout::kLongest);
  }

  absl::Duration now_ = absl::Seconds(5);
  Lookout lookout_;
};

TEST_F(LookoutTest, EndsAfterAWhile) { EXPECT_EQ(LookInVain(), Lookout::kLongest); }

TEST_F(LookoutTest, EachAnswerIsLookedForAnew) {
  for (int answers = 0; answers < 100; ++answers) {
    for (int i = 0; i < 9; ++i) {
      EXPECT_TRUE(lookout_.LookAgain(now_));
      now_ += kStep;
    }
    lookout_.Brought(Helped::kServedSockets);
    now_ += absl::Seconds(1);
  }
}

TEST_F(LookoutTest, TimeWithSomethingElseToDoDoesNotCount) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(lookout_.LookAgain(now_));
    now_ += kStep;
  }
  EXPECT_TRUE(lookout_.LookAgain(now_));
  lookout_.Interrupted();
  now_ += absl::Seconds(1);
  // But what was spent before does.
  EXPECT_EQ(LookInVain(), Lookout::kLongest / 2);
}

TEST_F(LookoutTest, TasksThatWereRunAreNoAnswer) {
  for (int looks = 0; looks < 5; ++looks) {
    EXPECT_TRUE(lookout_.LookAgain(now_));
    now_ += kStep;
    EXPECT_TRUE(lookout_.LookAgain(now_));
    lookout_.Brought(Helped::kRanTasks);
    now_ += absl::Seconds(1);
  }
  EXPECT_EQ(LookInVain(), Lookout::kLongest / 2);
}

TEST_F(LookoutTest, ALookThatBroughtNothingGoesOn) {
  for (int looks = 0; looks < 5; ++looks) {
    EXPECT_TRUE(lookout_.LookAgain(now_));
    lookout_.Brought(Helped::kNot);
    now_ += kStep;
  }
  EXPECT_EQ(LookInVain(), Lookout::kLongest / 2);
}

TEST_F(LookoutTest, WhatIsNotDueAnyMoreHasCostNoTrust) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(lookout_.LookAgain(now_));
    lookout_.Stop();
  }
  EXPECT_EQ(LookInVain(), Lookout::kLongest);
}

TEST_F(LookoutTest, AnswersThatTakeLongerAreLookedForOnceInAWhileOnly) {
  Distrust();
  int looked = 0;
  for (int i = 0; i < 10 * Lookout::kTriedEvery; ++i) {
    if (LookInVain() > absl::ZeroDuration()) ++looked;
  }
  EXPECT_EQ(looked, 10);
}

TEST_F(LookoutTest, WhenTheyComeInTimeAgainTheyAreLookedForAgain) {
  Distrust();
  while (!lookout_.LookAgain(now_)) now_ += absl::Seconds(1);
  now_ += kStep;
  lookout_.Brought(Helped::kServedSockets);
  EXPECT_TRUE(lookout_.LookAgain(now_));
}

TEST_F(LookoutTest, AnAnswerThatCameToASleeperIsNoReasonToLook) {
  Distrust();
  lookout_.Brought(Helped::kServedSockets);
  EXPECT_FALSE(lookout_.LookAgain(now_));
}

}  // namespace
}  // namespace eventbus
