// Events that fail while the store, the instance or the subscriber has troubles of its own. Most of
// these were found by the simulation.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/dead_letter.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class RetryFaultsTest : public testing::Test {
 protected:
  explicit RetryFaultsTest(const BrokerOptions& options = {}) : bus(options) {}

  static OpenRequest Request(GroupPolicyChange policy = {}) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    policy.retry_jitter = 0;
    request.policy = policy;
    return request;
  }
  RecordingSink& Join(GroupPolicyChange policy = {}, size_t instance = 0) {
    return bus.Open(Request(policy), instance);
  }
  // All in one entry.
  void PublishTogether(const std::vector<std::string>& ids) {
    std::vector<std::pair<std::string, std::string>> events;
    events.reserve(ids.size());
    for (const std::string& id : ids) events.emplace_back("job", id);
    ASSERT_THAT(bus.PublishAll(events), SizeIs(1));
  }
  uint64_t Letters() { return bus.store().letters().Count("job", "work"); }
  uint64_t Pending() {
    const auto pending = bus.store().ReadPending({"job", {"work", 1}, ""});
    return pending.ok() ? pending->size() : 0;
  }

  TestBus bus;
};

RejectCommand Reject(DeliveryRange range) { return {{range}, "bad"}; }
NackCommand NackFor(DeliveryRange range, absl::Duration delay) { return {{range}, delay, "why"}; }

// The record that tells of the nack must not say of the rejected event, whose letter is written and
// not confirmed yet, that it is to be delivered.
TEST_F(RetryFaultsTest, WhatIsRejectedStaysSoWhenTheRestOfItsEntryFailsMeanwhile) {
  bus.WarmUp("job");
  RecordingSink& sink = Join();
  const size_t other = bus.AddInstance();
  PublishTogether({"1", "2", "3"});
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3"));
  bus.instance().store().DelayNext(StoreCall::kBury, absl::Milliseconds(300));
  bus.Settle(sink, {.rejects = {Reject({1, 1})}, .confirm = 1});
  bus.Settle(sink, {.nacks = {NackFor({2, 2}, absl::Seconds(1))}, .confirm = 2});
  bus.Run(absl::Seconds(1));
  ASSERT_THAT(sink.settled, SizeIs(2));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{1, 1}));
  bus.instance().Kill();
  RecordingSink& heir = Join({}, other);
  bus.Run(absl::Seconds(30));
  EXPECT_THAT(heir.ids(), UnorderedElementsAre("2", "3"));
  EXPECT_EQ(Letters(), 1U);
}

// Until the store has answered, nobody knows whether the first letter is written, so the second one
// must not say what has become of the first one's event.
TEST_F(RetryFaultsTest, LettersOfAnEntryAreWrittenOneAfterTheOther) {
  bus.WarmUp("job");
  RecordingSink& sink = Join();
  PublishTogether({"1", "2"});
  bus.instance().store().DelayNext(StoreCall::kBury, absl::Milliseconds(300));
  bus.Settle(sink, {.rejects = {Reject({1, 1})}, .confirm = 1});
  bus.Settle(sink, {.rejects = {Reject({2, 2})}, .confirm = 2});
  EXPECT_EQ(Letters(), 1U);
  EXPECT_EQ(Pending(), 1U);
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(Letters(), 2U);
  EXPECT_EQ(Pending(), 0U);
  ASSERT_THAT(sink.settled, SizeIs(2));
  EXPECT_THAT(sink.settled[1].done, ElementsAre(DeliveryRange{2, 2}));
}

TEST_F(RetryFaultsTest, AnAckBesideALetterIsConfirmedWhenTheStoreHasItAndNotBefore) {
  bus.WarmUp("job");
  RecordingSink& sink = Join();
  PublishTogether({"1", "2"});
  bus.instance().store().DelayNext(StoreCall::kBury, absl::Milliseconds(300));
  bus.instance().store().FailNext(StoreCall::kAck, StoreFault::kNotDone);
  bus.Settle(sink, {.rejects = {Reject({1, 1})}});
  bus.Settle(sink, {.acks = {{2, 2}}, .confirm = 1});
  EXPECT_THAT(sink.settled, IsEmpty());
  bus.Run(absl::Seconds(1));
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].failed, ElementsAre(DeliveryRange{2, 2}));
  EXPECT_EQ(Pending(), 0U);
}

// Whoever slept so long that others have taken over cannot confirm a reject.
TEST_F(RetryFaultsTest, ARejectThatOthersHaveOvertakenIsNotConfirmed) {
  RecordingSink& sink = Join();
  const size_t other = bus.AddInstance();
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& heir = Join({}, other);
  bus.instance().process().Freeze();
  bus.Run(absl::Seconds(20));
  ASSERT_THAT(heir.ids(), ElementsAre("1"));
  bus.Settle(sink, {.rejects = {Reject({1, 1})}, .confirm = 1});
  // Its heartbeat is answered before its letter.
  bus.instance().store().DelayNext(StoreCall::kBury, absl::Milliseconds(1));
  bus.instance().process().Thaw();
  bus.Run(absl::Seconds(1));
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, IsEmpty());
  EXPECT_EQ(Letters(), 0U);
}

class NoRoomForWaitingTest : public RetryFaultsTest {
 protected:
  static BrokerOptions Options() {
    BrokerOptions options;
    options.waiting_value_bytes = 0;
    return options;
  }
  NoRoomForWaitingTest() : RetryFaultsTest(Options()) {}
};

// The first of the runs that fail together must not give up the value that the last one needs.
TEST_F(NoRoomForWaitingTest, ALetterIsWrittenBesideRetriesThatFailInTheSameMoment) {
  bus.WarmUp("job");
  RecordingSink& sink = Join({.max_retries = 1});
  PublishTogether({"1", "2", "3"});
  bus.Settle(sink, {.nacks = {NackFor({1, 1}, absl::ZeroDuration())}});
  bus.Run(absl::Milliseconds(10));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "1"));
  bus.Settle(sink, {.nacks = {NackFor({2, 4}, absl::Milliseconds(100))}});
  bus.Run(absl::Seconds(1));
  const auto letters = bus.store().letters().Read({"job", "work"});
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].event.view(), FramedTestEvent("job", "1"));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "3", "1", "2", "3"));
}

TEST_F(RetryFaultsTest, WhatWaitsForItsBatchDoesNotExpireWithWhatWasHandedOver) {
  OpenRequest request = Request({.max_retries = 0, .ack_deadline = absl::Seconds(1)});
  request.batch = {10, absl::Milliseconds(500)};
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Milliseconds(1200));
  ASSERT_THAT(sink.ids(), ElementsAre("1"));
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  // Its timers are overdue when it wakes up, the deadline of the first event before the batch.
  bus.instance().process().Freeze();
  bus.Run(absl::Seconds(5));
  bus.instance().process().Thaw();
  bus.Run();
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
  bus.Settle(sink, {.acks = {{2, 2}}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{2, 2}));
  EXPECT_EQ(Letters(), 1U);
}

// What was given back and taken again must not be given back once more because nobody answered the
// first time.
TEST_F(RetryFaultsTest, AReleaseThatIsRepeatedLeavesWhatWasTakenSince) {
  RecordingSink& first = Join();
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.instance().store().FailNext(StoreCall::kRelease, StoreFault::kReplyLost);
  bus.Close(first);
  RecordingSink& second = Join();
  bus.Run(absl::Milliseconds(100));
  ASSERT_THAT(second.ids(), ElementsAre("1"));
  // It is repeated after a second.
  bus.Run(absl::Seconds(3));
  const auto pending = bus.store().ReadPending({"job", {"work", 1}, ""});
  ASSERT_TRUE(pending.ok());
  ASSERT_THAT(*pending, SizeIs(1));
  // Nobody has claimed it a second time.
  EXPECT_EQ(pending->front().times_delivered, 2U);
}

class ExpiringTest : public RetryFaultsTest {
 protected:
  static BrokerOptions Options() {
    BrokerOptions options;
    options.ephemeral_expiry = absl::Seconds(30);
    return options;
  }
  ExpiringTest() : RetryFaultsTest(Options()) {}
};

TEST_F(ExpiringTest, AnEphemeralGroupTakesItsDeadLettersWithIt) {
  OpenRequest request = Request();
  request.ephemeral = true;
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Settle(sink, {.rejects = {Reject({1, 1})}});
  ASSERT_EQ(Letters(), 1U);
  bus.Close(sink);
  bus.Run(absl::Minutes(1));
  EXPECT_EQ(Letters(), 0U);
}

}  // namespace
}  // namespace eventbus
