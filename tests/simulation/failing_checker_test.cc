// The checker on made-up histories of events that fail.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history_writer.h"

namespace eventbus::simulation {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kExpired[] = "not settled before the ack deadline";

class FailingCheckerTest : public testing::Test {
 protected:
  // The event "a", delivered to subscription 1 on "one".
  void Begin(const GroupPolicy& policy = {}) {
    writer.OpenWith(policy, 1).Publish(1, {"a"}).Stored(1, {At(1)}).Get(1, 1, {"a"}, At(1));
  }
  std::vector<std::string> Violated() { return writer.Violated(/*complete=*/true); }

  HistoryWriter writer;
};

TEST_F(FailingCheckerTest, ARetryAfterANackIsFine) {
  Begin();
  writer.Nack(1, 1, 7).Done(1, {1, 1}, 7).Wait(absl::Seconds(1)).Retry(1, 2, 2, "why");
  writer.Ack(1, {2, 2});
  EXPECT_THAT(Violated(), IsEmpty());
  EXPECT_EQ(writer.Report().retries, 1U);
}

TEST_F(FailingCheckerTest, AConfirmedNackCostsAnAttempt) {
  Begin();
  writer.Nack(1, 1, 7).Done(1, {1, 1}, 7).Wait(absl::Seconds(1)).Retry(1, 2, 1, "", 2);
  writer.Ack(1, {2, 2});
  EXPECT_THAT(Violated(), ElementsAre(rules::kAttempts));
}

TEST_F(FailingCheckerTest, ANackThatNobodyConfirmedMayBeForgotten) {
  Begin();
  writer.Nack(1, 1).End(1).OpenWith({}, 2, "two").Retry(2, 1, 1, "", 2).Ack(2, {1, 1});
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, ANackThatWasRefusedCostsNothing) {
  Begin();
  writer.Nack(1, 1, 7).Then(Settled{1, {7, {}, {{1, 1}}, {}, {}}});
  writer.Wait(absl::Seconds(2)).Retry(1, 2, 2, "why").Ack(1, {2, 2});
  EXPECT_THAT(Violated(), Contains(rules::kAttempts));
}

TEST_F(FailingCheckerTest, AConfirmedNackOfAJudgedInstanceMayBeForgotten) {
  Begin();
  writer.Then(Fault{.instance = "one", .what = "is frozen", .out_of_touch = true, .frozen = true});
  writer.Nack(1, 1, 7).Done(1, {1, 1}, 7);
  writer.OpenWith({}, 2, "two").Retry(2, 1, 1, "", 2).Ack(2, {1, 1});
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, ABrokenConnectionCostsNoAttempt) {
  Begin();
  writer.End(1).OpenWith({}, 2, "two").Retry(2, 1, 2, kExpired).Ack(2, {1, 1});
  EXPECT_THAT(Violated(), Contains(rules::kAttempts));
}

TEST_F(FailingCheckerTest, ADeadlineCostsAnAttempt) {
  Begin({.ack_deadline = absl::Seconds(5)});
  writer.Wait(absl::Seconds(5)).Lose(1, 1).Wait(absl::Seconds(1)).Retry(1, 2, 2, kExpired);
  writer.Ack(1, {2, 2});
  EXPECT_THAT(Violated(), IsEmpty());
  EXPECT_EQ(writer.Report().expired, 1U);
}

TEST_F(FailingCheckerTest, AfterADeadlineTheNextAttemptIsTheSecond) {
  Begin({.ack_deadline = absl::Seconds(5)});
  writer.Wait(absl::Seconds(5)).Lose(1, 1).Wait(absl::Seconds(1)).Retry(1, 2, 1, "", 2);
  writer.Ack(1, {2, 2});
  EXPECT_THAT(Violated(), ElementsAre(rules::kAttempts));
}

TEST_F(FailingCheckerTest, ADeadlineDoesNotPassEarly) {
  Begin({.ack_deadline = absl::Seconds(5)});
  writer.Wait(absl::Seconds(4)).Lose(1, 1).Ack(1, {1, 1});
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadlines));
}

TEST_F(FailingCheckerTest, AConfirmedExtensionLengthensTheDeadline) {
  Begin({.ack_deadline = absl::Seconds(5)});
  writer.Extend(1, 1, absl::Seconds(20), 7).Done(1, {1, 1}, 7);
  writer.Wait(absl::Seconds(6)).Lose(1, 1).Ack(1, {1, 1});
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadlines));
}

TEST_F(FailingCheckerTest, AnExtensionMayAlsoShortenIt) {
  Begin({.ack_deadline = absl::Seconds(5)});
  writer.Extend(1, 1, absl::Seconds(1)).Wait(absl::Seconds(1)).Lose(1, 1).Ack(1, {1, 1});
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, ARetryDoesNotComeBeforeItsDelayIsOver) {
  Begin({.retry_delay = absl::Seconds(3), .retry_jitter = 0});
  writer.Nack(1, 1).Wait(absl::Seconds(2)).Retry(1, 2, 2, "why").Ack(1, {2, 2});
  EXPECT_THAT(Violated(), ElementsAre(rules::kRetryDelay));
}

TEST_F(FailingCheckerTest, AnotherInstanceMayBeWrongAboutTheTimeByASecond) {
  Begin({.retry_delay = absl::Seconds(3), .retry_jitter = 0});
  writer.OpenWith({}, 2, "two").Nack(1, 1).Wait(absl::Seconds(2)).Retry(2, 1, 2, "why");
  writer.Ack(2, {1, 1});
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, ARetryTellsWhyTheAttemptBeforeFailed) {
  Begin();
  writer.Nack(1, 1).Wait(absl::Seconds(1)).Retry(1, 2, 2, "").Ack(1, {2, 2});
  EXPECT_THAT(Violated(), ElementsAre(rules::kReasons));
}

TEST_F(FailingCheckerTest, ARejectIsFinal) {
  Begin();
  writer.Reject(1, 1, 7).Done(1, {1, 1}, 7).Retry(1, 2, 1, "", 2);
  writer.Letter(DeadLetterCause::kRejected, 1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kSettledStays));
}

TEST_F(FailingCheckerTest, AConfirmedRejectLeavesALetter) {
  Begin();
  writer.Reject(1, 1, 7).Done(1, {1, 1}, 7);
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
}

TEST_F(FailingCheckerTest, AConfirmedLastNackLeavesALetter) {
  Begin({.max_retries = 0});
  writer.Nack(1, 1, 7).Done(1, {1, 1}, 7);
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
  writer.Letter(DeadLetterCause::kNacked, 1);
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, WhereNoLettersAreKeptAnEventThatIsUsedUpIsGivenUp) {
  Begin({.max_retries = 0, .dead_letter = false});
  writer.Nack(1, 1, 7).Done(1, {1, 1}, 7);
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, WhereNoLettersAreKeptAnEventIsNotGivenUpEarly) {
  Begin({.max_retries = 1, .ack_deadline = absl::Minutes(10), .dead_letter = false});
  writer.Nack(1, 1, 7).Done(1, {1, 1}, 7);
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
}

TEST_F(FailingCheckerTest, WhatNobodySettledIsLost) {
  Begin();
  EXPECT_THAT(Violated(), ElementsAre(rules::kNothingLost));
}

TEST_F(FailingCheckerTest, ThereAreNoMoreAttemptsThanTheGroupAllows) {
  Begin({.max_retries = 0});
  writer.Nack(1, 1).Wait(absl::Seconds(1)).Retry(1, 2, 2, "why").Ack(1, {2, 2});
  EXPECT_THAT(Violated(), ElementsAre(rules::kAttempts));
}

TEST_F(FailingCheckerTest, ALetterNeedsAllAttempts) {
  Begin({.max_retries = 1});
  writer.Nack(1, 1).Letter(DeadLetterCause::kNacked, 1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadLetters));
}

TEST_F(FailingCheckerTest, ALetterIsThereOnce) {
  Begin();
  writer.Reject(1, 1);
  writer.Letter(DeadLetterCause::kRejected, 1).Letter(DeadLetterCause::kRejected, 1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadLetters));
}

TEST_F(FailingCheckerTest, NobodyRejectedIt) {
  Begin();
  writer.Letter(DeadLetterCause::kRejected, 1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadLetters));
}

TEST_F(FailingCheckerTest, WhatIsAckedForSureIsNoDeadLetter) {
  Begin({.max_retries = 0});
  writer.Ack(1, {1, 1}, 7).Done(1, {1, 1}, 7).Nack(1, 1).Letter(DeadLetterCause::kNacked, 1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadLetters));
}

TEST_F(FailingCheckerTest, CrashesNeedBrokenStreams) {
  Begin({.max_crashes = 2});
  writer.End(1).Letter(DeadLetterCause::kCrashes, 1);
  EXPECT_THAT(Violated(), ElementsAre(rules::kDeadLetters));
  HistoryWriter enough;
  enough.OpenWith({.max_crashes = 1}, 1).Publish(1, {"a"}).Stored(1, {At(1)});
  enough.Get(1, 1, {"a"}, At(1)).End(1).Letter(DeadLetterCause::kCrashes, 1);
  EXPECT_THAT(enough.Violated(/*complete=*/true), IsEmpty());
}

TEST_F(FailingCheckerTest, AStreamThatBrokeBeforeItsOpeningWasHeardOfIsACrash) {
  OpenSent open{9, "one", false, "work", false, {"job"}, false, 10, 0};
  open.policy.max_crashes = 1;
  writer.Publish(1, {"a"}).Stored(1, {At(1)}).Then(open).End(9);
  writer.OpenWith({.max_crashes = 1}, 1).Letter(DeadLetterCause::kCrashes, 1);
  EXPECT_THAT(Violated(), IsEmpty());
}

TEST_F(FailingCheckerTest, WhoeverIsLateWithAnAckTakesTheEventFromWhoHasIt) {
  Begin({.ack_deadline = absl::Seconds(5)});
  writer.OpenWith({}, 2).Wait(absl::Seconds(5)).Lose(1, 1).Wait(absl::Seconds(1));
  writer.Retry(2, 1, 2, kExpired).Ack(1, {1, 1}, 7).Done(1, {1, 1}, 7);
  EXPECT_THAT(Violated(), IsEmpty());
}

}  // namespace
}  // namespace eventbus::simulation
