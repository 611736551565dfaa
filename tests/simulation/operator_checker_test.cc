// The checker on made-up histories of groups that operators change while they are in use.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history_writer.h"
#include "tests/simulation/pause_watch.h"
#include "tests/simulation/redrive_watch.h"
#include "tests/simulation/seek_watch.h"

namespace eventbus::simulation {
namespace {

using ::testing::Contains;
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

// ---- Redrives ----

class RedriveCheckerTest : public testing::Test {
 protected:
  // The event "a" is a dead letter for sure.
  RedriveCheckerTest() {
    writer.Open(1).Publish(1, {"a"}).Stored(1, {At(1)}).Get(1, 1, {"a"}, At(1));
    writer.Reject(1, 1, 7).Done(1, {1, 1}, 7);
  }
  std::vector<std::string> Violated() { return writer.Violated(/*complete=*/true); }

  HistoryWriter writer;
};

TEST_F(RedriveCheckerTest, WhatIsRedrivenComesAgainAndIsAcked) {
  writer.Redrive(1).Changed(1).GetRedriven(1, 2).Ack(1, {2, 2}, 8).Done(1, {2, 2}, 8);
  EXPECT_THAT(Violated(), IsEmpty());
  EXPECT_EQ(writer.Report().redriven, 1U);
}

TEST_F(RedriveCheckerTest, WhatIsRedrivenIsNotLost) {
  writer.Redrive(1).Changed(1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
  writer.GetRedriven(1, 2);
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
}

TEST_F(RedriveCheckerTest, WhatIsRedrivenMayBeALetterAgain) {
  HistoryWriter twice = writer;
  writer.Redrive(1).Changed(1).GetRedriven(1, 2).Reject(1, 2, 8).Done(1, {2, 2}, 8);
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
  HistoryWriter old = writer;
  writer.Letter(DeadLetterCause::kRejected, 1, "one", /*redriven=*/1);
  EXPECT_THAT(Violated(), IsEmpty());
  old.Letter(DeadLetterCause::kRejected, 1);
  EXPECT_THAT(old.Violated(true), ElementsAre(rules::kDeadLetters));
  twice.Letter(DeadLetterCause::kRejected, 1, "one", /*redriven=*/1);
  EXPECT_THAT(twice.Violated(true), Contains(rules::kDeadLetters));
}

TEST_F(RedriveCheckerTest, NobodyHasRedrivenIt) {
  HistoryWriter other = writer;
  writer.GetRedriven(1, 2).Ack(1, {2, 2});
  EXPECT_THAT(Violated(), Contains(rules::kRedriven));
  other.Redrive(1, {"b"}).GetRedriven(1, 2).Ack(1, {2, 2});
  EXPECT_THAT(other.Violated(true), Contains(rules::kRedriven));
}

TEST_F(RedriveCheckerTest, WhatIsRedrivenIsMarked) {
  writer.Redrive(1).Changed(1).Get(1, 2, {"a"}, At(1), 2).Ack(1, {2, 2});
  EXPECT_THAT(Violated(), Contains(rules::kSettledStays));
}

TEST_F(RedriveCheckerTest, AttemptsBeginAnew) {
  HistoryWriter later = writer;
  writer.Redrive(1).Changed(1).GetRedriven(1, 2, 2).Ack(1, {2, 2});
  EXPECT_THAT(Violated(), Contains(rules::kAttempts));
  later.Redrive(1).Changed(1).GetRedriven(1, 2).Nack(1, 2).Wait(absl::Seconds(2));
  later.GetRedriven(1, 3, 2).Ack(1, {3, 3});
  EXPECT_THAT(later.Violated(true), IsEmpty());
}

TEST_F(RedriveCheckerTest, WhatIsAckedAfterARedriveStaysSettled) {
  writer.Redrive(1).Changed(1).GetRedriven(1, 2).Ack(1, {2, 2}, 8).Done(1, {2, 2}, 8);
  writer.GetRedriven(1, 3).Ack(1, {3, 3});
  EXPECT_THAT(Violated(), Contains(rules::kSettledStays));
}

TEST_F(RedriveCheckerTest, WhatIsRejectedAgainMayBeRedrivenAgain) {
  writer.Redrive(1).Changed(1).GetRedriven(1, 2).Reject(1, 2, 8).Done(1, {2, 2}, 8);
  HistoryWriter once = writer;
  writer.Redrive(2).Changed(2).GetRedriven(1, 3).Ack(1, {3, 3}, 9).Done(1, {3, 3}, 9);
  EXPECT_THAT(Violated(), IsEmpty());
  once.GetRedriven(1, 3).Ack(1, {3, 3});
  EXPECT_THAT(once.Violated(true), Contains(rules::kSettledStays));
}

TEST_F(OperatorCheckerTest, WhatIsNoDeadLetterIsNotRedriven) {
  writer.Get(1, 1, {"a"}, At(1)).Redrive(1).GetRedriven(1, 2).Ack(1, {1, 2});
  EXPECT_THAT(writer.Violated(), Contains(rules::kRedriven));
}

// ---- Seeks ----

class SeekCheckerTest : public testing::Test {
 protected:
  // The events "a" and "b" are stored, and acked for sure.
  SeekCheckerTest() {
    writer.Open(1).Publish(1, {"a", "b"}).Stored(1, {At(1), At(2)});
    writer.Get(1, 1, {"a"}, At(1)).Get(1, 2, {"b"}, At(2)).Ack(1, {1, 2}, 7).Done(1, {1, 2}, 7);
  }
  std::vector<std::string> Violated() { return writer.Violated(/*complete=*/true); }

  HistoryWriter writer;
};

TEST_F(SeekCheckerTest, AfterASeekToTheBeginningAllComesAgain) {
  HistoryWriter some = writer;
  writer.Seek(1).Changed(1).Get(1, 3, {"a"}, At(1)).Get(1, 4, {"b"}, At(2)).Ack(1, {3, 4});
  EXPECT_THAT(Violated(), IsEmpty());
  some.Seek(1).Changed(1).Get(1, 3, {"b"}, At(2)).Ack(1, {3, 3});
  EXPECT_THAT(some.Violated(true), ElementsAre(rules::kSought));
}

TEST_F(SeekCheckerTest, AfterASeekToATimeAllComesAgainThatIsNotOlder) {
  HistoryWriter none = writer;
  writer.Seek(1, 2).Changed(1).Get(1, 3, {"b"}, At(2)).Ack(1, {3, 3});
  EXPECT_THAT(Violated(), IsEmpty());
  none.Seek(1, 2).Changed(1);
  EXPECT_THAT(none.Violated(true), ElementsAre(rules::kSought));
}

TEST_F(SeekCheckerTest, WhatComesAgainHasToBeSettledAgain) {
  writer.Seek(1).Changed(1).Get(1, 3, {"a"}, At(1)).Get(1, 4, {"b"}, At(2)).Ack(1, {4, 4});
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
}

TEST_F(SeekCheckerTest, WhatASeekToTheEndSkipsNeedNotCome) {
  writer.Publish(2, {"c"}).Stored(2, {At(3)}).Seek(1, std::nullopt).Changed(1);
  EXPECT_THAT(Violated(), IsEmpty());
  writer.Publish(3, {"d"}).Stored(3, {At(4)});
  EXPECT_THAT(Violated(), ElementsAre(rules::kConfirmedIsDelivered));
}

TEST_F(SeekCheckerTest, ASeekThatFailedMayBeOneOrNot) {
  HistoryWriter again = writer;
  writer.Seek(1).Changed(1, false);
  EXPECT_THAT(Violated(), IsEmpty());
  again.Seek(1).Changed(1, false).Get(1, 3, {"a"}, At(1)).Ack(1, {3, 3});
  EXPECT_THAT(again.Violated(true), IsEmpty());
}

TEST_F(SeekCheckerTest, WhatIsSettledAfterTheSeekStaysSettled) {
  writer.Seek(1).Changed(1).Wait(absl::Seconds(3));
  writer.Get(1, 3, {"a"}, At(1)).Get(1, 4, {"b"}, At(2)).Ack(1, {3, 4}, 8).Done(1, {3, 4}, 8);
  EXPECT_THAT(Violated(), IsEmpty());
  writer.Get(1, 5, {"a"}, At(1), 2).Ack(1, {5, 5});
  EXPECT_THAT(Violated(), ElementsAre(rules::kSettledStays));
}

TEST_F(SeekCheckerTest, UntilTheOthersHaveHeardOfItTheyMayDeliverWhatIsSettled) {
  writer.Open(2, "two").Seek(1).Changed(1).Get(1, 3, {"a"}, At(1)).Ack(1, {3, 3}, 8);
  writer.Done(1, {3, 3}, 8).Get(2, 1, {"a"}, At(1), 2).Get(2, 2, {"b"}, At(2), 2);
  writer.Ack(2, {1, 2});
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(SeekCheckerTest, NobodyLosesADeliveryByAChangeThatNobodyMade) {
  HistoryWriter sought = writer;
  writer.Publish(2, {"c"}).Get(1, 3, {"c"}, At(3)).LoseByChange(1, 3).Ack(1, {3, 3});
  EXPECT_THAT(Violated(), ElementsAre(rules::kSought));
  sought.Publish(2, {"c"}).Get(1, 3, {"c"}, At(3)).Seek(1, std::nullopt).LoseByChange(1, 3);
  EXPECT_THAT(sought.Violated(true), IsEmpty());
}

// ---- Seeks and redrives ----

class SeekAndRedriveCheckerTest : public testing::Test {
 protected:
  // The event "a" is acked for sure, and would die if its stream broke.
  SeekAndRedriveCheckerTest() {
    policy.max_crashes = 1;
    writer.OpenWith(policy, 1).Publish(1, {"a"}).Stored(1, {At(1)}).Get(1, 1, {"a"}, At(1));
    writer.Ack(1, {1, 1}, 7).Done(1, {1, 1}, 7);
  }
  std::vector<std::string> Violated() { return writer.Violated(/*complete=*/true); }

  GroupPolicy policy;
  HistoryWriter writer;
};

TEST_F(SeekAndRedriveCheckerTest, WhatDiedUnseenAfterTheSeekMayComeAsRedriven) {
  writer.Seek(1).Changed(1).End(1).OpenWith(policy, 2).Redrive(2).Changed(2).GetRedriven(2, 1);
  HistoryWriter unacked = writer;
  writer.Ack(2, {1, 1});
  EXPECT_THAT(Violated(), IsEmpty());
  EXPECT_THAT(unacked.Violated(true), ElementsAre(rules::kSought));
}

TEST_F(SeekAndRedriveCheckerTest, WhereNoStreamBrokeNothingDiesUnseen) {
  writer.Seek(1).Changed(1).Redrive(2).Changed(2).GetRedriven(1, 2).Ack(1, {2, 2});
  EXPECT_THAT(Violated(), Contains(rules::kSought));
}

TEST_F(SeekAndRedriveCheckerTest, WhatWasRedrivenBeforeTheSeekIsNotWhatItBringsAgain) {
  writer.End(1).OpenWith(policy, 2).Redrive(1).Changed(1);
  HistoryWriter held = writer;
  writer.Seek(2).Changed(2).GetRedriven(2, 1).Ack(2, {1, 1});
  EXPECT_THAT(Violated(), ElementsAre(rules::kSought));
  held.GetRedriven(2, 1).Seek(2).Changed(2).Redrive(3).Changed(3).Ack(2, {1, 1});
  EXPECT_THAT(held.Violated(true), Contains(rules::kSought));
}

}  // namespace
}  // namespace eventbus::simulation
