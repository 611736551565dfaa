// The checker on made-up histories of groups that operators change while they are in use.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history_writer.h"
#include "tests/simulation/pause_watch.h"

namespace eventbus::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OperatorCheckerTest : public testing::Test {
 protected:
  // The event "a" is stored, and subscriptions 1 and 2 of a group are there to get it.
  OperatorCheckerTest() { writer.Open(1).Open(2, "two").Publish(1, {"a"}).Stored(1, {At(1)}); }

  HistoryWriter writer;
};

// ---- Pauses ----

TEST_F(OperatorCheckerTest, APausedGroupGetsNothing) {
  writer.Pause(1).Changed(1).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kPaused));
}

TEST_F(OperatorCheckerTest, WhatComesBeforeThePauseIsAnsweredIsFine) {
  writer.Pause(1).Get(1, 1, {"a"}, At(1)).Changed(1);
  EXPECT_THAT(writer.Violated(), IsEmpty());
}

TEST_F(OperatorCheckerTest, AResumedGroupGoesOn) {
  writer.Pause(1).Changed(1).Wait(absl::Seconds(10)).Resume(2).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), IsEmpty());
}

TEST_F(OperatorCheckerTest, WhatWasPublishedDuringAPauseMustComeAfterIt) {
  writer.Pause(1).Changed(1).Wait(absl::Seconds(10)).Resume(2).Changed(2);
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kConfirmedIsDelivered));
}

TEST_F(OperatorCheckerTest, AnotherInstanceHearsOfThePauseALittleLater) {
  HistoryWriter late = writer;
  writer.Pause(1).Changed(1).Get(2, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), IsEmpty());
  late.Pause(1).Changed(1).Wait(absl::Seconds(1)).Get(2, 1, {"a"}, At(1));
  EXPECT_THAT(late.Violated(), ElementsAre(rules::kPaused));
}

TEST_F(OperatorCheckerTest, WhoWasFrozenHearsOfThePauseAfterwards) {
  HistoryWriter late = writer;
  Fault fault{.instance = "one", .what = "is frozen", .frozen = true, .lasts = absl::Seconds(5)};
  writer.Pause(1).Changed(1).Then(fault).Wait(absl::Seconds(5)).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), IsEmpty());
  late.Pause(1).Changed(1).Then(fault).Wait(absl::Seconds(7)).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(late.Violated(), ElementsAre(rules::kPaused));
}

TEST_F(OperatorCheckerTest, APauseForATimeEndsThenAndAboutNotBefore) {
  HistoryWriter early = writer;
  writer.Pause(1, absl::Seconds(10)).Changed(1).Wait(absl::Seconds(9)).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), IsEmpty());
  early.Pause(1, absl::Seconds(10)).Changed(1).Wait(absl::Seconds(5)).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(early.Violated(), ElementsAre(rules::kPaused));
}

TEST_F(OperatorCheckerTest, APauseThatFailedMayBeOneOrNot) {
  writer.Pause(1).Changed(1, false).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), IsEmpty());
}

TEST_F(OperatorCheckerTest, AResumeWithoutAnAnswerMayComeAtAnyTime) {
  HistoryWriter answered = writer;
  writer.Resume(1).Pause(2).Changed(2).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), IsEmpty());
  answered.Resume(1).Changed(1, false).Pause(2).Changed(2).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(answered.Violated(), ElementsAre(rules::kPaused));
}

}  // namespace
}  // namespace eventbus::simulation
