// What a group has done with an event, told from what the store and this instance know.
#include "server/broker/group_event_state.h"

#include <string>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

const absl::Time kNow = absl::FromUnixMillis(10'000);

// Read by somebody, and not pending any more.
EventFindings Done() {
  EventFindings findings;
  findings.own.read = true;
  return findings;
}

EventFindings PendingFor(const std::string& consumer, uint64_t times_delivered, bool alive) {
  EventFindings findings = Done();
  findings.own.pending = EventTrail::Pending{consumer, times_delivered, alive};
  return findings;
}

EventProgress ProgressOf(const EventFindings& findings) {
  return EventStateOf(findings, kNow).progress;
}

TEST(GroupEventState, WhatNobodyHasReadWaits) {
  EXPECT_EQ(ProgressOf({}), EventProgress::kWaiting);
}

TEST(GroupEventState, WhatIsNotPendingAnyMoreIsAcked) {
  EXPECT_EQ(ProgressOf(Done()), EventProgress::kAcked);
}

TEST(GroupEventState, WhatAnInstanceHasIsInFlightThere) {
  const GroupEventState state = EventStateOf(PendingFor("a", 1, true), kNow);
  EXPECT_EQ(state.progress, EventProgress::kInFlight);
  EXPECT_EQ(state.instance_id, "a");
  EXPECT_EQ(state.attempt, 1U);
  EXPECT_EQ(state.times_delivered, 1U);
  EXPECT_FALSE(state.due.has_value());
}

TEST(GroupEventState, WhatADeadInstanceHadWaits) {
  const GroupEventState state = EventStateOf(PendingFor("a", 2, false), kNow);
  EXPECT_EQ(state.progress, EventProgress::kWaiting);
  EXPECT_EQ(state.instance_id, "");
}

TEST(GroupEventState, AnEventSettledBeforeItsNeighboursIsAcked) {
  EventFindings findings = PendingFor("a", 1, true);
  findings.own.record.emplace().settled = true;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kAcked);
}

TEST(GroupEventState, WhatFailedIsRetryingUntilItIsDue) {
  EventFindings findings = PendingFor("a", 1, true);
  StateRecord::EventState& record = findings.own.record.emplace();
  record.failed_attempts = 2;
  record.reasons = {"first", "second"};
  record.due_ms = 10'001;
  GroupEventState state = EventStateOf(findings, kNow);
  EXPECT_EQ(state.progress, EventProgress::kRetrying);
  EXPECT_EQ(state.attempt, 2U);
  EXPECT_EQ(state.last_reason, "second");
  EXPECT_EQ(state.due, absl::FromUnixMillis(10'001));
  EXPECT_EQ(state.instance_id, "a");
  record.due_ms = 10'000;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kInFlight);
}

TEST(GroupEventState, ADeadLetterTellsOfItsLastAttempt) {
  EventFindings findings = Done();
  DeadLetterDetails& letter = findings.letter.emplace();
  letter.attempts = 4;
  letter.times_delivered = 5;
  letter.reasons = {"no", "never"};
  const GroupEventState state = EventStateOf(findings, kNow);
  EXPECT_EQ(state.progress, EventProgress::kDeadLetter);
  EXPECT_EQ(state.attempt, 4U);
  EXPECT_EQ(state.times_delivered, 5U);
  EXPECT_EQ(state.last_reason, "never");
}

TEST(GroupEventState, WhatIsRedrivenIsWhereItIsThere) {
  EventFindings findings = Done();
  findings.redriven.emplace();
  EXPECT_EQ(ProgressOf(findings), EventProgress::kWaiting);
  findings.redriven->read = true;
  findings.redriven->pending = EventTrail::Pending{"b", 1, true};
  EXPECT_EQ(ProgressOf(findings), EventProgress::kInFlight);
  findings.redriven->pending.reset();
  EXPECT_EQ(ProgressOf(findings), EventProgress::kAcked);
}

TEST(GroupEventState, WhatThisInstanceHoldsItKnowsBest) {
  EventFindings findings = PendingFor("a", 1, true);
  GroupEventState& here = findings.own.here.emplace();
  here.progress = EventProgress::kRetrying;
  here.attempt = 3;
  EXPECT_EQ(EventStateOf(findings, kNow).attempt, 3U);
}

TEST(GroupEventState, OfWhatWasBeforeItsStartAGroupKnowsNothing) {
  EventFindings findings = Done();
  findings.began_behind = BeganBehind::kYes;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kUnknown);
  // But that it was given up before a seek.
  findings.letter.emplace();
  EXPECT_EQ(ProgressOf(findings), EventProgress::kDeadLetter);
}

TEST(GroupEventState, OfWhatPerhapsWasBeforeItsStartAGroupKnowsWhatIsLeftOfIt) {
  EventFindings findings = Done();
  findings.began_behind = BeganBehind::kPerhaps;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kUnknown);
  findings.own.read = false;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kWaiting);
  findings = PendingFor("a", 1, true);
  findings.began_behind = BeganBehind::kPerhaps;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kInFlight);
}

TEST(GroupEventState, AmongTooManyLettersNobodyKnows) {
  EventFindings findings = Done();
  findings.letters_cut = true;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kUnknown);
  findings.own.read = false;
  EXPECT_EQ(ProgressOf(findings), EventProgress::kWaiting);
}

TEST(GroupEventState, TheLatestAttemptIsNotAboveTheDeliveries) {
  EXPECT_EQ(LatestAttempt(0, 0), 0U);
  EXPECT_EQ(LatestAttempt(0, 3), 1U);
  EXPECT_EQ(LatestAttempt(1, 1), 1U);
  EXPECT_EQ(LatestAttempt(1, 2), 2U);
}

class WhereItBeganTest : public testing::Test {
 protected:
  WhereItBeganTest() {
    group.record.stamp = 5;
    group.definition.created = absl::FromUnixMillis(1'000);
  }
  BeganBehind Behind(uint64_t ms, uint32_t index = 0) const {
    return WhereItBegan(group, type, Position{{ms, 0}, index});
  }

  KnownGroup group;
  TypeRecord type = {.stream = "job", .stamp = 1};
};

TEST_F(WhereItBeganTest, WithTheLatestItIsWhatWasBeforeTheGroup) {
  EXPECT_EQ(Behind(999), BeganBehind::kYes);
  EXPECT_EQ(Behind(1'000), BeganBehind::kPerhaps);
  EXPECT_EQ(Behind(1'001), BeganBehind::kNo);
}

TEST_F(WhereItBeganTest, AYoungerStreamItHasFromTheBeginning) {
  type.stamp = 6;
  EXPECT_EQ(Behind(1), BeganBehind::kNo);
}

TEST_F(WhereItBeganTest, WithTheEarliestItIsNothing) {
  group.definition.start = StartEarliest{};
  EXPECT_EQ(Behind(1), BeganBehind::kNo);
}

TEST_F(WhereItBeganTest, WithATimeItIsWhatWasBeforeThat) {
  group.definition.start = StartAtTime{absl::FromUnixMillis(500)};
  EXPECT_EQ(Behind(499), BeganBehind::kYes);
  EXPECT_EQ(Behind(500), BeganBehind::kNo);
}

TEST_F(WhereItBeganTest, WithAPositionItIsWhatIsUpToThat) {
  group.definition.start = StartAfterPositions{{{"job", Position{{700, 0}, 2}}}, {}};
  EXPECT_EQ(Behind(699, 9), BeganBehind::kYes);
  EXPECT_EQ(Behind(700, 2), BeganBehind::kYes);
  EXPECT_EQ(Behind(700, 3), BeganBehind::kNo);
}

TEST_F(WhereItBeganTest, AfterASeekItIsByTheTimeOfTheLastChange) {
  group.definition.start_stamp = 9;
  group.definition.updated = absl::FromUnixMillis(2'000);
  EXPECT_EQ(Behind(1'999), BeganBehind::kYes);
  EXPECT_EQ(Behind(2'000), BeganBehind::kPerhaps);
  EXPECT_EQ(Behind(2'001), BeganBehind::kNo);
}

}  // namespace
}  // namespace eventbus
