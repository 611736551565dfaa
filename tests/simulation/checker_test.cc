// The checker accepts histories as they should be, and rejects each kind of bad one by its rule.
// All of them are made up here.
#include "tests/simulation/checker.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/history_writer.h"
#include "tests/simulation/publish_rules.h"
#include "tests/simulation/wanted.h"

namespace eventbus::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Writer = HistoryWriter;

TEST(CheckerTest, AnEventThatIsDeliveredAndAckedIsFine) {
  Writer writer;
  writer.Open(1)
      .Publish(1, {"a"})
      .Stored(1, {At(1)})
      .Get(1, 1, {"a"}, At(1))
      .Ack(1, {1, 1}, 7)
      .Done(1, {1, 1}, 7);
  EXPECT_THAT(writer.Violated(), IsEmpty());
  EXPECT_EQ(writer.Report().confirmed_events, 1U);
  EXPECT_EQ(writer.Report().group_deliveries, 1U);
  EXPECT_EQ(writer.Report().confirmed_settles, 1U);
  EXPECT_EQ(writer.Report().duplicates, 0U);
}

TEST(CheckerTest, AConfirmedEventThatNeverComesIsNot) {
  Writer writer;
  EXPECT_THAT(writer.Open(1).Publish(1, {"a"}).Stored(1, {At(1)}).Violated(),
              ElementsAre(rules::kConfirmedIsDelivered));
}

TEST(CheckerTest, AnEventOfUnknownOutcomeMayComeOrNot) {
  EXPECT_THAT(Writer().Open(1).Publish(1, {"a"}).Violated(), IsEmpty());
  EXPECT_THAT(Writer().Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Violated(), IsEmpty());
}

TEST(CheckerTest, AnEventSentBeforeTheGroupWasOpenedNeedNotCome) {
  EXPECT_THAT(Writer().Publish(1, {"a"}).Open(1).Stored(1, {At(1)}).Violated(), IsEmpty());
}

TEST(CheckerTest, AGroupFromTheEarliestGetsWhatWasThereBefore) {
  Writer writer;
  writer.Publish(1, {"a"}).Stored(1, {At(1)});
  writer.Then(OpenSent{1, "one", false, "work", false, {"job"}, true, 10, 0}).Then(Opened{1, true});
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kConfirmedIsDelivered));
}

TEST(CheckerTest, AnotherMemberOfTheGroupMayGetIt) {
  EXPECT_THAT(Writer()
                  .Open(1)
                  .Open(2)
                  .Publish(1, {"a"})
                  .Stored(1, {At(1)})
                  .Get(2, 1, {"a"}, At(1))
                  .Violated(),
              IsEmpty());
}

TEST(CheckerTest, ADuplicateIsCountedAndNoError) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Stored(1, {At(1)}).Get(1, 1, {"a"}, At(1)).End(1);
  writer.Open(2, "two").Get(2, 1, {"a"}, At(1), 2);
  EXPECT_THAT(writer.Violated(), IsEmpty());
  EXPECT_EQ(writer.Report().duplicates, 1U);
}

TEST(CheckerTest, WhatWasNotStoredMustNotComeBeforeOrAfterTheAnswer) {
  EXPECT_THAT(Writer().Open(1).Publish(1, {"a"}).Refused(1).Get(1, 1, {"a"}, At(1)).Violated(),
              ElementsAre(rules::kNotStoredIsGone));
  EXPECT_THAT(Writer().Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Refused(1).Violated(),
              ElementsAre(rules::kNotStoredIsGone));
}

TEST(CheckerTest, WhatNobodySentMustNotCome) {
  EXPECT_THAT(Writer().Open(1).Get(1, 1, {"ghost"}, At(1)).Violated(),
              ElementsAre(rules::kOnlyPublished));
}

TEST(CheckerTest, AnEventKeepsItsId) {
  Writer writer;
  SeenRun run = Writer::RunOf(1, {"a"}, At(1));
  run.events[0].id = "other";
  writer.Open(1).Publish(1, {"a"}).Then(Delivered{1, {run}});
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kOnlyPublished));
}

TEST(CheckerTest, AnEventThatThePatternsDoNotMatchMustNotCome) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}, "other");
  writer.Then(Delivered{1, {Writer::RunOf(1, {"a"}, At(1), 1, "other")}});
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kPatterns));
}

TEST(CheckerTest, WhatIsSettledForSureStaysSettled) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Ack(1, {1, 1}, 7).Done(1, {1, 1}, 7);
  writer.Open(2, "two").Get(2, 1, {"a"}, At(1), 2);
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kSettledStays));
}

TEST(CheckerTest, AnAckWithoutConfirmationMayBeForgotten) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Ack(1, {1, 1});
  writer.Open(2, "two").Get(2, 1, {"a"}, At(1), 2);
  EXPECT_THAT(writer.Violated(), IsEmpty());
}

TEST(CheckerTest, AConfirmedReleaseSettlesNothing) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Release(1, {1, 1}, 7).Done(1, {1, 1}, 7);
  EXPECT_THAT(writer.Get(1, 2, {"a"}, At(1), 2).Violated(), IsEmpty());
}

TEST(CheckerTest, AnInstanceThatWasOutOfTouchMayNotKnowThatItIsSettled) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Then(Fault{"two", "is frozen", true});
  writer.Get(1, 1, {"a"}, At(1)).Ack(1, {1, 1}, 7).Done(1, {1, 1}, 7);
  writer.Open(2, "two").Get(2, 1, {"a"}, At(1), 2);
  EXPECT_THAT(writer.Violated(), IsEmpty());
}

TEST(CheckerTest, APositionHasOneEventAndAnEventOnePosition) {
  EXPECT_THAT(Writer().Publish(1, {"a", "b"}).Stored(1, {At(1), At(1)}).Violated(),
              ElementsAre(rules::kOnePosition));
  EXPECT_THAT(
      Writer().Open(1).Publish(1, {"a"}).Stored(1, {At(1)}).Get(1, 1, {"a"}, At(2)).Violated(),
      ElementsAre(rules::kOnePosition));
}

TEST(CheckerTest, WhatIsSentAfterAConfirmationIsStoredBehindIt) {
  EXPECT_THAT(
      Writer().Publish(1, {"a"}).Stored(1, {At(2)}).Publish(2, {"b"}).Stored(2, {At(1)}).Violated(),
      ElementsAre(rules::kStoredInOrder));
  // Sent before the answer: no promise.
  EXPECT_THAT(
      Writer().Publish(1, {"a"}).Publish(2, {"b"}).Stored(1, {At(2)}).Stored(2, {At(1)}).Violated(),
      IsEmpty());
}

TEST(CheckerTest, EventsOfARequestAreStoredInItsOrder) {
  EXPECT_THAT(Writer().Publish(1, {"a", "b"}).Stored(1, {At(2), At(1)}).Violated(),
              ElementsAre(rules::kStoredInOrder));
}

TEST(CheckerTest, ATailGetsPositionsInOrder) {
  Writer writer;
  writer.OpenTail(1).Publish(1, {"a", "b"}).Get(1, 0, {"b"}, At(2)).Get(1, 0, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), testing::Contains(rules::kTailOrder));
}

TEST(CheckerTest, ATailGetsNothingTwice) {
  Writer writer;
  writer.OpenTail(1).Publish(1, {"a"}).Get(1, 0, {"a"}, At(1)).Get(1, 0, {"a"}, At(1));
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kTailOrder));
}

TEST(CheckerTest, ATailLeavesNothingOut) {
  Writer writer;
  writer.OpenTail(1).Publish(1, {"a", "b", "c"}).Stored(1, {At(1), At(2), At(3)});
  writer.Get(1, 0, {"a"}, At(1)).Get(1, 0, {"c"}, At(3)).End(1);
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kTailComplete));
}

TEST(CheckerTest, ATailThatLivesGetsAllThatIsConfirmed) {
  Writer writer;
  writer.OpenTail(1).Publish(1, {"a"}).Stored(1, {At(1)});
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kTailComplete));
  // One whose connection broke need not.
  Writer broken;
  EXPECT_THAT(broken.OpenTail(1).Publish(1, {"a"}).Stored(1, {At(1)}).End(1).Violated(), IsEmpty());
}

TEST(CheckerTest, DeliveryNumbersHaveNoGaps) {
  EXPECT_THAT(Writer().Open(1).Publish(1, {"a"}).Get(1, 2, {"a"}, At(1)).Violated(),
              ElementsAre(rules::kDenseNumbers));
}

TEST(CheckerTest, AnEventIsOutAtOneMemberOfAnInstance) {
  Writer writer;
  writer.Open(1).Open(2).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Get(2, 1, {"a"}, At(1), 2);
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kSingleLease));
}

TEST(CheckerTest, AMemberMayLearnALittleLaterThatItsLeaseIsOver) {
  Writer writer;
  writer.Open(1)
      .Open(2)
      .Publish(1, {"a"})
      .Get(1, 1, {"a"}, At(1))
      .Get(2, 1, {"a"}, At(1), 2)
      .End(1);
  EXPECT_THAT(writer.Violated(), IsEmpty());
}

TEST(CheckerTest, AReleasedEventMayGoToAnother) {
  Writer writer;
  writer.Open(1).Open(2).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Release(1, {1, 1});
  EXPECT_THAT(writer.Get(2, 1, {"a"}, At(1), 2).Violated(), IsEmpty());
}

TEST(CheckerTest, AnEventDoesNotComeAgainToWhoHoldsIt) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1)).Get(1, 2, {"a"}, At(1), 2);
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kSingleLease));
}

TEST(CheckerTest, TimesDeliveredGoUp) {
  Writer writer;
  writer.Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1), 2).Release(1, {1, 1});
  EXPECT_THAT(writer.Get(1, 2, {"a"}, At(1), 2).Violated(), ElementsAre(rules::kAttempts));
  EXPECT_THAT(Writer().Open(1).Publish(1, {"a"}).Get(1, 1, {"a"}, At(1), 0).Violated(),
              ElementsAre(rules::kAttempts));
}

TEST(CheckerTest, NoMoreIsInFlightThanAskedFor) {
  Writer writer;
  writer.Open(1, "one", 1).Publish(1, {"a", "b"}).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Get(1, 2, {"b"}, At(2)).Violated(), ElementsAre(rules::kInFlightLimit));
}

TEST(CheckerTest, ARaisedLimitCounts) {
  Writer writer;
  writer.Open(1, "one", 1).Publish(1, {"a", "b"}).Then(FlowSent{1, 2}).Get(1, 1, {"a"}, At(1));
  EXPECT_THAT(writer.Get(1, 2, {"b"}, At(2)).Violated(), IsEmpty());
}

TEST(CheckerTest, ABatchIsNoLargerThanAskedFor) {
  Writer writer;
  writer.Open(1, "one", 10, 1).Publish(1, {"a", "b"}).Get(1, 1, {"a", "b"}, At(1));
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kBatchSize));
}

TEST(CheckerTest, NothingComesBeforeTheOpeningOrAfterTheEnd) {
  Writer early;
  early.Publish(1, {"a"}).Then(OpenSent{1, "one", false, "work", false, {"job"}, false, 10, 0});
  EXPECT_THAT(early.Get(1, 1, {"a"}, At(1)).Violated(), ElementsAre(rules::kConversation));
  Writer late;
  EXPECT_THAT(late.Open(1).Publish(1, {"a"}).End(1).Get(1, 1, {"a"}, At(1)).Violated(),
              ElementsAre(rules::kConversation));
}

TEST(CheckerTest, ASettleIsConfirmedOnlyIfAsked) {
  EXPECT_THAT(Writer().Open(1).Done(1, {1, 1}, 9).Violated(), ElementsAre(rules::kConversation));
}

TEST(CheckerTest, AnAnswerCoversTheRequest) {
  EXPECT_THAT(Writer().Publish(1, {"a", "b"}).Stored(1, {At(1)}).Violated(),
              ElementsAre(rules::kConversation));
}

PublishSent Sent(uint64_t request, const std::vector<std::string>& data) {
  PublishSent sent{request, "one", {}};
  for (const std::string& one : data) sent.events.push_back({"id-" + one, "job", one});
  return sent;
}

TEST(CheckerTest, ADelayedEventDoesNotComeBeforeItIsDue) {
  PublishSent later = Sent(1, {"a"});
  later.due = absl::Seconds(5);
  EXPECT_THAT(Writer().Open(1).Then(later).Get(1, 1, {"a"}, At(1)).Violated(),
              ElementsAre(rules::kDelayedOnTime));
  EXPECT_THAT(
      Writer().Open(1).Then(later).Wait(absl::Seconds(5)).Get(1, 1, {"a"}, At(1)).Violated(),
      IsEmpty());
}

TEST(CheckerTest, OfAnAtomicBatchAGroupGetsAllOrNothing) {
  PublishSent atomic = Sent(1, {"a", "b"});
  atomic.atomic = true;
  EXPECT_THAT(Writer().Open(1).Then(atomic).Violated(), IsEmpty());
  EXPECT_THAT(Writer().Open(1).Then(atomic).Get(1, 1, {"a", "b"}, At(1)).Violated(), IsEmpty());
  EXPECT_THAT(Writer().Open(1).Then(atomic).Get(1, 1, {"a"}, At(1)).Violated(),
              ElementsAre(rules::kAtomicBatch));
}

TEST(CheckerTest, WhatIsPublishedAgainIsOneEvent) {
  const PublishSent once = Sent(1, {"a"});
  const PublishSent again = Sent(2, {"a"});
  EXPECT_THAT(
      Writer().Open(1).Then(once).Then(again).Stored(2, {At(1)}).Get(1, 1, {"a"}, At(1)).Violated(),
      IsEmpty());
  EXPECT_THAT(Writer().Then(once).Stored(1, {At(1)}).Then(again).Stored(2, {At(2)}).Violated(),
              ElementsAre(rules::kOnePosition));
}

// Of the same key are d1 and d5; d2 is of another one, d4 of none.
Writer Ordered() {
  GroupPolicy policy;
  policy.ordered = true;
  Writer writer;
  writer.OpenWith(policy, 1).Publish(1, {"d1", "d2", "d5", "d4"});
  return writer;
}

TEST(CheckerTest, InAnOrderedGroupTheNextOfAKeyMayComeWhenTheOneBeforeIsSettled) {
  Writer fine = Ordered();
  fine.Get(1, 1, {"d1"}, At(1)).Get(1, 2, {"d2"}, At(2)).Get(1, 3, {"d4"}, At(4));
  fine.Ack(1, {1, 1}).Get(1, 4, {"d5"}, At(3));
  EXPECT_THAT(fine.Violated(), IsEmpty());
}

TEST(CheckerTest, InAnOrderedGroupNothingComesWhileAnEarlierOneOfItsKeyIsOut) {
  Writer wrong = Ordered();
  wrong.Get(1, 1, {"d1"}, At(1)).Get(1, 2, {"d5"}, At(3));
  EXPECT_THAT(wrong.Violated(), ElementsAre(rules::kKeyOrder));
  Writer given_back = Ordered();
  given_back.Get(1, 1, {"d1"}, At(1)).Release(1, {1, 1}).Get(1, 2, {"d5"}, At(3));
  EXPECT_THAT(given_back.Violated(), ElementsAre(rules::kKeyOrder));
}

TEST(CheckerTest, InAnOrderedGroupNothingComesForTheFirstTimeAfterALaterOneOfItsKey) {
  Writer wrong = Ordered();
  wrong.Get(1, 1, {"d5"}, At(3)).Ack(1, {1, 1}).Get(1, 2, {"d1"}, At(1));
  EXPECT_THAT(wrong.Violated(), ElementsAre(rules::kKeyOrder));
  Writer again = Ordered();
  again.Get(1, 1, {"d1"}, At(1)).Ack(1, {1, 1}).Get(1, 2, {"d5"}, At(3)).Ack(1, {2, 2}).End(1);
  GroupPolicy policy;
  policy.ordered = true;
  again.OpenWith(policy, 2, "two").Get(2, 1, {"d1"}, At(1), 2);
  EXPECT_THAT(again.Violated(), IsEmpty());
}

// ---- Filters ----

// Of the key that these want are d1 and d5.
const AttributeFilter kKeyOne = {{{"source", AttributeCondition::Match::kExact, "key-1"}}};

Writer Filtered() {
  GroupPolicy policy;
  policy.filter = kKeyOne;
  Writer writer;
  writer.OpenWith(policy, 1).Publish(1, {"d1", "d2", "d4"}).Stored(1, {At(1), At(2), At(3)});
  return writer;
}

TEST(CheckerTest, AGroupGetsWhatItsFilterWants) {
  EXPECT_THAT(Filtered().Get(1, 1, {"d1"}, At(1)).Violated(), IsEmpty());
  EXPECT_THAT(Filtered().Violated(), ElementsAre(rules::kConfirmedIsDelivered));
}

TEST(CheckerTest, AGroupGetsNothingThatItsFilterDoesNotWant) {
  Writer writer = Filtered();
  writer.Get(1, 1, {"d1"}, At(1)).Get(1, 2, {"d2"}, At(2));
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kFilters));
  Writer none = Filtered();
  none.Get(1, 1, {"d1"}, At(1)).Get(1, 2, {"d4"}, At(3));
  EXPECT_THAT(none.Violated(), ElementsAre(rules::kFilters));
}

TEST(CheckerTest, ATailGetsWhatItsFilterWants) {
  Writer writer;
  writer.OpenTailWith(kKeyOne, 1).Publish(1, {"d1", "d2", "d5"});
  writer.Stored(1, {At(1), At(2), At(3)});
  Writer all = writer;
  all.Get(1, 0, {"d1"}, At(1)).Get(1, 0, {"d5"}, At(3));
  EXPECT_THAT(all.Violated(), IsEmpty());
  Writer some = writer;
  some.Get(1, 0, {"d5"}, At(3));
  EXPECT_THAT(some.Violated(), ElementsAre(rules::kTailComplete));
  Writer more = writer;
  more.Get(1, 0, {"d1"}, At(1)).Get(1, 0, {"d2"}, At(2)).Get(1, 0, {"d5"}, At(3));
  EXPECT_THAT(more.Violated(), ElementsAre(rules::kFilters));
}

TEST(CheckerTest, OfAnAtomicBatchAGroupGetsAllThatItsFilterWants) {
  PublishSent atomic = Sent(1, {"d1", "d2", "d5"});
  atomic.atomic = true;
  GroupPolicy policy;
  policy.filter = kKeyOne;
  Writer writer;
  writer.OpenWith(policy, 1).Then(atomic).Get(1, 1, {"d1"}, At(1));
  EXPECT_THAT(writer.Violated(), ElementsAre(rules::kAtomicBatch));
  EXPECT_THAT(writer.Get(1, 2, {"d5"}, At(1, 2)).Violated(), IsEmpty());
}

}  // namespace
}  // namespace eventbus::simulation
