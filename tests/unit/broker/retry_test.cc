// Events that fail: retries, deadlines, rejection, dead letters.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/dead_letter.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CountingEvents : public BrokerEvents {
 public:
  void OnNacked(uint64_t events) override { nacked += events; }
  void OnDeadlinePassed(uint64_t events) override { expired += events; }
  void OnRejected(uint64_t events) override { rejected += events; }
  void OnDeadLetters(uint64_t events, uint64_t dropped) override {
    dead += events;
    dropped_letters += dropped;
  }
  void OnGivenUp(uint64_t events) override { given_up += events; }
  void OnUnknownSettle(uint64_t deliveries) override { unknown += deliveries; }
  uint64_t nacked = 0;
  uint64_t expired = 0;
  uint64_t rejected = 0;
  uint64_t dead = 0;
  uint64_t dropped_letters = 0;
  uint64_t given_up = 0;
  uint64_t unknown = 0;
};

NackCommand Nack(std::vector<DeliveryRange> deliveries, std::string reason = "") {
  return {std::move(deliveries), std::nullopt, std::move(reason)};
}

class RetryTest : public testing::Test {
 protected:
  RetryTest() : bus(BrokerOptions(), &events) {}

  RecordingSink& Join(GroupPolicyChange policy = {}, size_t instance = 0,
                      std::string client_id = "worker") {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    policy.retry_jitter = 0;
    request.policy = policy;
    request.client_id = std::move(client_id);
    return bus.Open(request, instance);
  }
  void Publish(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(bus.Publish("job", std::to_string(next_++)).ok());
    }
  }
  std::vector<DeadLetterDetails> Letters() {
    std::vector<DeadLetterDetails> letters;
    for (const StoredLetter& letter : bus.store().letters().Read({"job", "work"})) {
      letters.push_back(*DeadLetterDetails::FromJson(letter.details));
    }
    return letters;
  }
  uint64_t Pending() {
    const auto pending = bus.store().ReadPending({"job", {"work", 1}, ""});
    return pending.ok() ? pending->size() : 0;
  }

  CountingEvents events;
  TestBus bus;
  int next_ = 1;
};

TEST_F(RetryTest, ANackedEventComesBackAfterTheRetryDelayWithItsAttemptAndReason) {
  RecordingSink& sink = Join();
  Publish(2);
  bus.Settle(sink, {.acks = {{2, 2}}, .nacks = {Nack({{1, 1}}, "no database")}});
  bus.Run(absl::Milliseconds(900));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
  bus.Run(absl::Milliseconds(200));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "1"));
  EXPECT_EQ(sink.received[2].attempt, 2U);
  EXPECT_EQ(sink.received[2].times_delivered, 2U);
  EXPECT_EQ(sink.received[2].last_reason, "no database");
  EXPECT_EQ(events.nacked, 1U);
  bus.Settle(sink, {.acks = {{3, 3}}});
  EXPECT_EQ(Pending(), 0U);
}

TEST_F(RetryTest, WhatAlwaysFailsIsADeadLetterAfterOnePlusThreeAttempts) {
  RecordingSink& sink = Join();
  Publish(1);
  for (uint64_t attempt = 1; attempt <= 4; ++attempt) {
    ASSERT_EQ(sink.received.size(), attempt);
    EXPECT_EQ(sink.received.back().attempt, attempt);
    bus.Settle(sink, {.nacks = {Nack({{attempt, attempt}}, "try " + std::to_string(attempt))}});
    // 1, 2 and 4 s.
    const absl::Duration delay = absl::Seconds(int64_t{1} << (attempt - 1));
    bus.Run(delay - absl::Milliseconds(100));
    EXPECT_EQ(sink.received.size(), attempt);
    bus.Run(absl::Milliseconds(200));
  }
  bus.Run(absl::Minutes(2));
  EXPECT_THAT(sink.received, SizeIs(4));
  EXPECT_EQ(events.dead, 1U);
  EXPECT_EQ(Pending(), 0U);
  const auto letters = Letters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].cause, DeadLetterCause::kNacked);
  EXPECT_EQ(letters[0].attempts, 4U);
  EXPECT_EQ(letters[0].times_delivered, 4U);
  EXPECT_THAT(letters[0].reasons, ElementsAre("try 1", "try 2", "try 3", "try 4"));
  EXPECT_EQ(letters[0].position, sink.received[0].position);
  EXPECT_EQ(letters[0].subscriber, "worker");
  EXPECT_GE(letters[0].dead_ms, letters[0].first_delivery_ms + 7000);
}

TEST_F(RetryTest, ADelayOfTheNackGoesBeforeThePolicy) {
  RecordingSink& sink = Join();
  Publish(1);
  bus.Settle(sink, {.nacks = {{{{1, 1}}, absl::Minutes(5), ""}}});
  bus.Run(absl::Minutes(4.9));
  EXPECT_THAT(sink.received, SizeIs(1));
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(sink.received, SizeIs(2));
}

TEST_F(RetryTest, OfASharedEntryTheNackedEventsAloneComeAgain) {
  bus.WarmUp("job");
  RecordingSink& sink = Join();
  ASSERT_THAT(bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}, {"job", "4"}}), SizeIs(1));
  bus.Settle(sink, {.acks = {{1, 1}, {4, 4}}, .nacks = {Nack({{2, 3}}, "why")}});
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "4", "2", "3"));
  // Two that fared alike come in one run, with numbers that follow on.
  EXPECT_EQ(sink.received[4].delivery, 5U);
  EXPECT_EQ(sink.received[5].delivery, 6U);
  bus.Settle(sink, {.acks = {{5, 6}}});
  EXPECT_EQ(Pending(), 0U);
}

TEST_F(RetryTest, ARejectedEventIsADeadLetterAtOnce) {
  RecordingSink& sink = Join();
  Publish(2);
  bus.Settle(sink, {.rejects = {{{{2, 2}}, "malformed"}}, .confirm = 7});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{2, 2}));
  EXPECT_EQ(events.rejected, 1U);
  const auto letters = Letters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].cause, DeadLetterCause::kRejected);
  EXPECT_EQ(letters[0].attempts, 1U);
  EXPECT_THAT(letters[0].reasons, ElementsAre("malformed"));
  EXPECT_EQ(Pending(), 1U);
}

TEST_F(RetryTest, WithoutDeadLettersTheEventIsDroppedAndCounted) {
  RecordingSink& sink = Join({.max_retries = 0, .dead_letter = false});
  Publish(2);
  bus.Settle(sink, {.nacks = {Nack({{1, 1}})}, .rejects = {{{{2, 2}}, ""}}});
  EXPECT_EQ(events.given_up, 2U);
  EXPECT_THAT(Letters(), IsEmpty());
  EXPECT_EQ(Pending(), 0U);
}

TEST_F(RetryTest, WhatIsNotSettledInTimeIsTakenAwayToldAndTriedAgain) {
  RecordingSink& sink = Join({.ack_deadline = absl::Seconds(10)});
  Publish(1);
  bus.Run(absl::Seconds(9));
  EXPECT_THAT(sink.lost, IsEmpty());
  bus.Run(absl::Seconds(1.5));
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(sink.lost_reasons, ElementsAre(LostReason::kDeadline));
  EXPECT_EQ(events.expired, 1U);
  bus.Run(absl::Seconds(1));
  ASSERT_THAT(sink.received, SizeIs(2));
  EXPECT_EQ(sink.received[1].attempt, 2U);
  EXPECT_THAT(sink.received[1].last_reason, testing::HasSubstr("deadline"));
}

TEST_F(RetryTest, ADeadlineThatPassesTooOftenMakesADeadLetter) {
  Join({.max_retries = 1, .ack_deadline = absl::Seconds(5)});
  Publish(1);
  bus.Run(absl::Seconds(20));
  const auto letters = Letters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].cause, DeadLetterCause::kDeadline);
  EXPECT_EQ(letters[0].attempts, 2U);
}

TEST_F(RetryTest, AnExtensionLengthensTheDeadlineOfWhatItNamesAlone) {
  bus.WarmUp("job");
  RecordingSink& sink = Join({.ack_deadline = absl::Seconds(10)});
  ASSERT_THAT(bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}}), SizeIs(1));
  bus.Run(absl::Seconds(5));
  bus.Settle(sink, {.extensions = {{{{2, 2}}, absl::Seconds(30)}}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{2, 2}));
  bus.Run(absl::Seconds(6));
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}, DeliveryRange{3, 3}));
  bus.Run(absl::Seconds(20));
  bus.Settle(sink, {.acks = {{2, 2}}, .confirm = 2});
  ASSERT_THAT(sink.settled, SizeIs(2));
  EXPECT_THAT(sink.settled[1].done, ElementsAre(DeliveryRange{2, 2}));
}

TEST_F(RetryTest, AnExtensionMayAlsoShortenTheDeadline) {
  RecordingSink& sink = Join({.ack_deadline = absl::Seconds(30)});
  Publish(1);
  bus.Settle(sink, {.extensions = {{{{1, 1}}, absl::Seconds(2)}}});
  bus.Run(absl::Seconds(2.5));
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}));
}

TEST_F(RetryTest, AnAckAfterTheDeadlineIsHonouredWhileNobodyElseIsDone) {
  RecordingSink& sink = Join({.ack_deadline = absl::Seconds(5)});
  Publish(1);
  bus.Run(absl::Seconds(5.5));
  ASSERT_THAT(sink.lost, SizeIs(1));
  bus.Settle(sink, {.acks = {{1, 1}}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{1, 1}));
  bus.Run(absl::Seconds(30));
  EXPECT_THAT(sink.received, SizeIs(1));
  EXPECT_EQ(Pending(), 0U);
}

TEST_F(RetryTest, ALateAckTakesTheEventFromWhoHasItNow) {
  RecordingSink& slow = Join({.ack_deadline = absl::Seconds(5)});
  Publish(1);
  bus.SetFlow(slow, {1, 1 << 20});
  bus.Run(absl::Seconds(5.5));
  RecordingSink& other = Join();
  bus.SetFlow(slow, {1, 1 << 20});
  bus.Run(absl::Seconds(2));
  const bool at_other = !other.received.empty();
  RecordingSink& has_it = at_other ? other : slow;
  const uint64_t number = has_it.received.back().delivery;
  bus.Settle(slow, {.acks = {{1, 1}}});
  bus.Settle(has_it, {.nacks = {Nack({{number, number}})}, .confirm = 9});
  EXPECT_THAT(has_it.settled.back().unknown, ElementsAre(DeliveryRange{number, number}));
  bus.Run(absl::Seconds(30));
  EXPECT_EQ(Pending(), 0U);
  EXPECT_THAT(Letters(), IsEmpty());
}

TEST_F(RetryTest, ANackAfterTheDeadlineIsTooLateAndCostsNothing) {
  RecordingSink& sink = Join({.ack_deadline = absl::Seconds(5)});
  Publish(1);
  bus.Run(absl::Seconds(5.5));
  bus.Settle(sink, {.nacks = {Nack({{1, 2}})}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].too_late, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(sink.settled[0].unknown, ElementsAre(DeliveryRange{2, 2}));
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(sink.received, SizeIs(2));
  EXPECT_EQ(sink.received[1].attempt, 2U);
}

TEST_F(RetryTest, SettlingTwiceIsHarmlessAndCounted) {
  RecordingSink& sink = Join();
  Publish(1);
  bus.Settle(sink, {.nacks = {Nack({{1, 1}})}});
  bus.Settle(sink, {.nacks = {Nack({{1, 1}})}, .rejects = {{{{1, 1}}, ""}}});
  EXPECT_EQ(events.nacked, 1U);
  EXPECT_EQ(events.unknown, 2U);
}

TEST_F(RetryTest, AttemptsAndReasonsSurviveTheInstanceAndTheDelayGoesOn) {
  RecordingSink& sink = Join({.retry_delay = absl::Minutes(1)});
  const size_t other = bus.AddInstance();
  Publish(1);
  bus.Settle(sink, {.nacks = {Nack({{1, 1}}, "first")}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  bus.instance(0).Kill();
  RecordingSink& heir = Join({}, other);
  bus.Run(absl::Seconds(50));
  EXPECT_THAT(heir.received, IsEmpty());
  bus.Run(absl::Seconds(15));
  ASSERT_THAT(heir.ids(), ElementsAre("1"));
  EXPECT_EQ(heir.received[0].attempt, 2U);
  EXPECT_EQ(heir.received[0].last_reason, "first");
}

TEST_F(RetryTest, ABrokenStreamCostsNoAttempt) {
  RecordingSink& sink = Join();
  Publish(1);
  bus.Close(sink, CallEnd::kBroken);
  RecordingSink& next = Join();
  ASSERT_THAT(next.received, SizeIs(1));
  EXPECT_EQ(next.received[0].attempt, 1U);
  EXPECT_EQ(next.received[0].times_delivered, 2U);
}

TEST_F(RetryTest, WithMaxCrashesAnEventThatBreaksItsSubscribersIsADeadLetter) {
  Publish(0);
  RecordingSink* sink = &Join({.max_crashes = 3});
  Publish(1);
  for (int crash = 1; crash <= 2; ++crash) {
    bus.Close(*sink, CallEnd::kBroken);
    sink = &Join();
    ASSERT_THAT(sink->received, SizeIs(1));
    EXPECT_EQ(sink->received[0].attempt, 1U);
  }
  bus.Close(*sink, CallEnd::kInPeace);  // Does not count.
  sink = &Join();
  ASSERT_THAT(sink->received, SizeIs(1));
  bus.Close(*sink, CallEnd::kBroken);
  EXPECT_THAT(Join().received, IsEmpty());
  const auto letters = Letters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].cause, DeadLetterCause::kCrashes);
}

TEST_F(RetryTest, ALetterWhoseAnswerWasLostIsWrittenOnce) {
  RecordingSink& sink = Join({.max_retries = 0});
  Publish(1);
  bus.instance().store().FailNext(StoreCall::kBury, StoreFault::kReplyLost);
  bus.Settle(sink, {.nacks = {Nack({{1, 1}})}});
  bus.Run(absl::Seconds(5));
  EXPECT_THAT(Letters(), SizeIs(1));
  EXPECT_EQ(Pending(), 0U);
}

TEST_F(RetryTest, ALetterThatCouldNotBeWrittenIsWrittenLater) {
  RecordingSink& sink = Join({.max_retries = 0});
  Publish(1);
  bus.instance().store().FailNext(StoreCall::kBury, StoreFault::kNotDone);
  bus.Settle(sink, {.nacks = {Nack({{1, 1}})}});
  EXPECT_THAT(Letters(), IsEmpty());
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(Letters(), SizeIs(1));
  EXPECT_EQ(Pending(), 0U);
}

TEST_F(RetryTest, DueRetriesGoBeforeNewEvents) {
  RecordingSink& sink = Join();
  bus.SetFlow(sink, {1, 1 << 20});
  Publish(1);
  bus.Settle(sink, {.nacks = {Nack({{1, 1}})}});
  Publish(3);
  bus.Run(absl::Seconds(2));  // The second one is in flight, the retry is due.
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2"));
  bus.Settle(sink, {.acks = {{2, 2}}});
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "1"));
}

TEST_F(RetryTest, ValuesBeyondTheBudgetAreReadAgainWhenTheirRetriesAreDue) {
  BrokerOptions options;
  options.waiting_value_bytes = 10;
  TestBus tight(options, &events);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  RecordingSink& sink = tight.Open(request);
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(tight.Publish("job", std::to_string(i)).ok());
  tight.Settle(sink, {.nacks = {Nack({{1, 5}})}});
  tight.Run(absl::Seconds(2));
  ASSERT_THAT(sink.received, SizeIs(10));
  std::vector<std::string> again;
  for (size_t i = 5; i < 10; ++i) again.push_back(sink.received[i].id);
  EXPECT_THAT(again, testing::UnorderedElementsAre("1", "2", "3", "4", "5"));
  tight.Settle(sink, {.acks = {{6, 10}}});
  EXPECT_THAT(*tight.store().ReadPending({"job", {"work", 1}, ""}), IsEmpty());
}

TEST_F(RetryTest, WithTooManyEventsWaitingNoNewOnesAreTaken) {
  BrokerOptions options;
  options.max_waiting_events = 2;
  TestBus tight(options, &events);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  RecordingSink& sink = tight.Open(request);
  for (int i = 1; i <= 2; ++i) ASSERT_TRUE(tight.Publish("job", std::to_string(i)).ok());
  tight.Settle(sink, {.nacks = {Nack({{1, 2}})}});
  ASSERT_TRUE(tight.Publish("job", "3").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
  tight.Run(absl::Seconds(2));
  EXPECT_THAT(sink.ids(), testing::UnorderedElementsAre("1", "2", "1", "2", "3"));
}

class TokenRetryTest : public RetryTest {
 protected:
  RecordingSink& Receive(GroupPolicyChange policy = {}) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    policy.retry_jitter = 0;
    request.policy = policy;
    request.tokens = true;
    return bus.Open(request);
  }
  static constexpr auto kNack = SettleAction::Kind::kNack;
};

TEST_F(TokenRetryTest, NackRejectReleaseAndExtendWorkByTokens) {
  RecordingSink& sink = Receive({.ack_deadline = absl::Seconds(10)});
  Publish(4);
  ASSERT_THAT(sink.tokens, SizeIs(4));
  EXPECT_EQ(bus.SettleTokens({kNack, absl::Seconds(3), "later"}, {sink.tokens[0]}).done, 1U);
  EXPECT_EQ(bus.SettleTokens({SettleAction::Kind::kReject, {}, "bad"}, {sink.tokens[1]}).done, 1U);
  EXPECT_EQ(
      bus.SettleTokens({SettleAction::Kind::kExtend, absl::Minutes(1), ""}, {sink.tokens[2]}).done,
      1U);
  EXPECT_EQ(bus.SettleTokens({SettleAction::Kind::kRelease, {}, ""}, {sink.tokens[3]}).done, 1U);
  EXPECT_THAT(Letters(), SizeIs(1));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "4", "4"));
  bus.Run(absl::Seconds(3.5));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "4", "4", "1"));
  EXPECT_EQ(sink.received[5].last_reason, "later");
  bus.Run(absl::Seconds(8));
  // The release of the fourth one and the deadlines left the third one alone.
  for (const DeliveryToken& token : sink.lost_tokens)
    EXPECT_NE(token.position, sink.received[2].position);
}

TEST_F(TokenRetryTest, ATokenOfAnEarlierDeliveryNacksNothing) {
  RecordingSink& sink = Receive();
  Publish(1);
  const DeliveryToken first = sink.tokens[0];
  bus.SettleTokens({kNack, absl::ZeroDuration(), ""}, {first});
  bus.Run(absl::Milliseconds(100));
  ASSERT_THAT(sink.tokens, SizeIs(2));
  const TokenSettlement late = bus.SettleTokens({kNack, {}, ""}, {first});
  ASSERT_THAT(late.others, SizeIs(1));
  EXPECT_EQ(late.others[0].second, TokenSettlement::Problem::kTooLate);
  EXPECT_EQ(bus.SettleTokens({}, {sink.tokens[1]}).done, 1U);
}

}  // namespace
}  // namespace eventbus
