// What is settled by token on another instance than the one that holds the event.
#include "server/broker/settle_mail.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/wire.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

using Kind = SettleAction::Kind;
using Problem = TokenSettlement::Problem;

TEST(SettleMailText, IsReadAsItWasWritten) {
  const std::vector<MailedSettle> settles = {
      {0, {Kind::kAck, {}, ""}, 1, 1},
      {300, {Kind::kNack, absl::ZeroDuration(), "no such account"}, 2, 70'000},
      {7, {Kind::kReject, {}, std::string("\0\xff", 2)}, 1, 2},
      {8, {Kind::kExtend, absl::Hours(12), ""}, 1, 1},
      {9, {Kind::kRelease, {}, ""}, 4'000'000'000, 1}};
  std::string mail;
  for (const MailedSettle& settle : settles) settle.AppendTo(&mail);
  EXPECT_EQ(ReadSettleMail(mail), settles);
}

TEST(SettleMailText, WhatIsNotUnderstoodIsLeftOut) {
  std::string mail;
  const MailedSettle settle = {1, {Kind::kNack, absl::Seconds(1), "why"}, 1, 1};
  settle.AppendTo(&mail);
  const std::string one = mail;
  // Of another version, of another kind, and cut off.
  mail += std::string("\x02\x09\x00", 3) + std::string("\x06\x01\x7f\x00\x00\x00\x00", 7);
  settle.AppendTo(&mail);
  EXPECT_THAT(ReadSettleMail(mail), ElementsAre(settle, settle));
  for (size_t size = 0; size < one.size(); ++size) {
    EXPECT_THAT(ReadSettleMail(one.substr(0, size)), IsEmpty()) << size;
  }
}

class CountingEvents : public BrokerEvents {
 public:
  void OnAcked(uint64_t events) override { acked += events; }
  void OnNacked(uint64_t events) override { nacked += events; }
  void OnUnknownSettle(uint64_t deliveries) override { unknown += deliveries; }
  uint64_t acked = 0;
  uint64_t nacked = 0;
  uint64_t unknown = 0;
};

class SettleMailTest : public testing::Test {
 protected:
  SettleMailTest() : bus(BrokerOptions(), &events) { bus.AddInstance(); }

  // A member on the first instance, which has the events "1", "2", … of one entry.
  RecordingSink& Hold(int count, GroupPolicyChange policy = {}) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    request.policy = policy;
    request.tokens = true;
    bus.WarmUp("job");
    RecordingSink& sink = bus.Open(request);
    std::vector<std::pair<std::string, std::string>> published;
    for (int i = 1; i <= count; ++i) published.emplace_back("job", std::to_string(i));
    bus.PublishAll(published);
    EXPECT_THAT(sink.tokens, SizeIs(count));
    return sink;
  }
  TokenSettlement SettleThere(SettleAction action, std::vector<DeliveryToken> tokens) {
    const TokenSettlement answer = bus.SettleTokens(std::move(action), std::move(tokens), 1);
    bus.Run();
    return answer;
  }
  std::vector<PendingEntry> Pending() { return *bus.store().ReadPending({"job", {"work", 1}}); }

  CountingEvents events;
  TestBus bus;
};

TEST_F(SettleMailTest, AnAckOnAnotherInstanceIsOne) {
  RecordingSink& sink = Hold(3);
  EXPECT_EQ(SettleThere({}, {sink.tokens[1]}).done, 1U);
  EXPECT_EQ(events.acked, 1U);
  EXPECT_THAT(Pending(), SizeIs(1));
  EXPECT_EQ(SettleThere({}, {sink.tokens[0], sink.tokens[2]}).done, 2U);
  EXPECT_EQ(events.acked, 3U);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(Pending(), IsEmpty());
  bus.Run(absl::Minutes(2));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "3"));
}

TEST_F(SettleMailTest, WhatIsSettledAlreadyIsUnknown) {
  RecordingSink& sink = Hold(2);
  bus.SettleTokens({}, sink.tokens);
  bus.Run(absl::Seconds(1));
  const TokenSettlement late = SettleThere({}, sink.tokens);
  EXPECT_EQ(late.done, 0U);
  EXPECT_THAT(late.others, ElementsAre(Pair(0, Problem::kUnknown), Pair(1, Problem::kUnknown)));
  EXPECT_EQ(events.unknown, 2U);
}

TEST_F(SettleMailTest, TokensOfNoGroupOrTypeAreUnknown) {
  RecordingSink& sink = Hold(1);
  DeliveryToken no_group = sink.tokens[0];
  no_group.group.name = "other";
  DeliveryToken no_type = sink.tokens[0];
  no_type.stream = "job}{";
  DeliveryToken old = sink.tokens[0];
  old.group.generation = 7;
  EXPECT_EQ(SettleThere({}, {no_group, no_type, old}).done, 0U);
  EXPECT_EQ(events.unknown, 3U);
}

TEST_F(SettleMailTest, ANackOnAnotherInstanceIsRetriedWithItsDelayAndReason) {
  RecordingSink& sink = Hold(2);
  EXPECT_EQ(SettleThere({Kind::kNack, absl::Seconds(5), "not yet"}, {sink.tokens[0]}).done, 1U);
  EXPECT_EQ(events.nacked, 1U);
  bus.Run(absl::Seconds(4));
  EXPECT_THAT(sink.received, SizeIs(2));
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "1"));
  EXPECT_EQ(sink.received[2].attempt, 2U);
  EXPECT_EQ(sink.received[2].last_reason, "not yet");
}

TEST_F(SettleMailTest, ALateNackHasNoEffectAndIsCounted) {
  RecordingSink& sink = Hold(1);
  const DeliveryToken first = sink.tokens[0];
  SettleThere({Kind::kNack, absl::ZeroDuration(), ""}, {first});
  bus.Run(absl::Seconds(1));
  ASSERT_THAT(sink.received, SizeIs(2));
  SettleThere({Kind::kNack, absl::ZeroDuration(), ""}, {first});
  EXPECT_EQ(events.nacked, 1U);
  EXPECT_EQ(events.unknown, 1U);
}

TEST_F(SettleMailTest, RejectReleaseAndExtendWorkFromThereToo) {
  GroupPolicyChange policy;
  policy.ack_deadline = absl::Seconds(10);
  RecordingSink& sink = Hold(3, policy);
  SettleThere({Kind::kReject, {}, "bad"}, {sink.tokens[0]});
  SettleThere({Kind::kExtend, absl::Minutes(5), ""}, {sink.tokens[1]});
  SettleThere({Kind::kRelease, {}, ""}, {sink.tokens[2]});
  bus.Run(absl::Seconds(1));
  // Released, and delivered once more at once.
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "3"));
  EXPECT_EQ(sink.received[3].attempt, 1U);
  bus.SettleTokens({}, {sink.tokens[3]});
  bus.Run(absl::Minutes(4));
  EXPECT_THAT(sink.received, SizeIs(4));
  EXPECT_EQ(bus.store().letters().Count("job", "work"), 1U);
}

TEST_F(SettleMailTest, WhoTakesOverADeadInstancesEntryObeys) {
  GroupPolicyChange policy;
  policy.retry_delay = absl::Seconds(1);
  policy.retry_jitter = 0;
  RecordingSink& sink = Hold(4, policy);
  const std::vector<DeliveryToken> tokens = sink.tokens;
  bus.instance(0).Kill();
  EXPECT_EQ(SettleThere({}, {tokens[0]}).done, 1U);
  EXPECT_EQ(SettleThere({Kind::kNack, {}, "failed"}, {tokens[1]}).done, 1U);
  EXPECT_EQ(SettleThere({Kind::kReject, {}, "bad"}, {tokens[2]}).done, 1U);
  RecordingSink& heir = bus.Join("work", {"job"}, 1);
  bus.Run(absl::Seconds(20));
  ASSERT_THAT(heir.ids(), ElementsAre("4", "2"));
  EXPECT_EQ(heir.received[0].attempt, 1U);
  EXPECT_EQ(heir.received[1].attempt, 2U);
  EXPECT_EQ(heir.received[1].times_delivered, 2U);
  EXPECT_EQ(heir.received[1].last_reason, "failed");
  EXPECT_EQ(bus.store().letters().Count("job", "work"), 1U);
  bus.AckAll(heir);
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(Pending(), IsEmpty());
}

// The record says that the attempt has failed, and the mail says so too.
TEST_F(SettleMailTest, AnAttemptThatFailedByMailIsCountedOnceAlsoByWhoTakesOver) {
  RecordingSink& sink = Hold(2);
  SettleThere({Kind::kNack, absl::Seconds(1), "failed"}, {sink.tokens[0]});
  bus.Run(absl::Milliseconds(100));
  bus.instance(0).Kill();
  RecordingSink& heir = bus.Join("work", {"job"}, 1);
  bus.Run(absl::Seconds(20));
  ASSERT_THAT(heir.received, SizeIs(2));
  for (const Received& one : heir.received) EXPECT_EQ(one.attempt, one.id == "1" ? 2U : 1U);
}

TEST_F(SettleMailTest, AnInstanceThatMissedTheSignalObeysWhenItLooks) {
  RecordingSink& sink = Hold(1);
  bus.instance(0).store().FailNext(StoreCall::kReadStates, StoreFault::kReplyLost);
  EXPECT_EQ(SettleThere({}, sink.tokens).done, 1U);
  EXPECT_EQ(events.acked, 0U);
  bus.Run(absl::Seconds(25));
  EXPECT_EQ(events.acked, 1U);
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

TEST_F(SettleMailTest, WithoutTheStoreItFailsAndMayBeRepeated) {
  RecordingSink& sink = Hold(1);
  bus.instance(1).store().FailNext(StoreCall::kLeaveMail, StoreFault::kNotDone);
  const TokenSettlement failed = SettleThere({}, sink.tokens);
  EXPECT_THAT(failed.others, ElementsAre(Pair(0, Problem::kFailed)));
  EXPECT_EQ(SettleThere({}, sink.tokens).done, 1U);
  EXPECT_EQ(events.acked, 1U);
}

// Settled by token on `instance` while the answer of the claim by which the second instance takes
// over is under way.
class MailOfWhatIsBeingClaimedTest : public SettleMailTest {
 protected:
  RecordingSink& SettleWhileClaimed(size_t instance) {
    RecordingSink& sink = Hold(3);
    RecordingSink& heir = bus.Join("work", {"job"}, 1);
    bus.Run(absl::Seconds(1));
    bus.instance(1).store().DelayNext(StoreCall::kClaim, absl::Milliseconds(200));
    const std::string holder = Pending()[0].consumer;
    bus.Close(sink);
    bus.world().RunUntil(
        [&] {
          const std::string consumer = Pending()[0].consumer;
          return consumer != holder && consumer != kReleasedConsumer;
        },
        absl::Seconds(5));
    EXPECT_THAT(heir.received, IsEmpty());
    bus.SettleTokens({}, {sink.tokens[0]}, instance);
    bus.SettleTokens({Kind::kNack, absl::Seconds(1), "failed"}, {sink.tokens[1]}, instance);
    bus.Run(absl::Milliseconds(500));
    EXPECT_THAT(heir.ids(), ElementsAre("3"));
    bus.Run(absl::Seconds(5));
    return heir;
  }
};

TEST_F(MailOfWhatIsBeingClaimedTest, ByWhoClaimsIt) {
  RecordingSink& heir = SettleWhileClaimed(1);
  ASSERT_THAT(heir.ids(), ElementsAre("3", "2"));
  EXPECT_EQ(heir.received[1].attempt, 2U);
  EXPECT_EQ(heir.received[1].last_reason, "failed");
}

TEST_F(MailOfWhatIsBeingClaimedTest, ByAnotherInstance) {
  RecordingSink& heir = SettleWhileClaimed(0);
  ASSERT_THAT(heir.ids(), ElementsAre("3", "2"));
  EXPECT_EQ(heir.received[1].attempt, 2U);
  EXPECT_EQ(heir.received[1].last_reason, "failed");
}

TEST_F(SettleMailTest, MailThatIsReadWhenItsEntryIsDoneWithIsDropped) {
  RecordingSink& sink = Hold(1);
  bus.instance(0).store().DelayNext(StoreCall::kReadStates, absl::Milliseconds(200));
  bus.SettleTokens({}, sink.tokens, 1);
  bus.SettleTokens({}, sink.tokens, 0);
  bus.Run(absl::Milliseconds(100));
  EXPECT_THAT(bus.instance(0).store().dropped_mail(), IsEmpty());
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(bus.instance(0).store().dropped_mail(), ElementsAre(sink.tokens[0].position.entry));
}

TEST_F(SettleMailTest, MailOfAGroupThatHasLeftIsDropped) {
  RecordingSink& sink = Hold(1);
  bus.SettleTokens({}, sink.tokens);
  const std::string holder = sink.opened->instance_id;
  bus.Close(sink);
  bus.Run(absl::Seconds(1));
  // Pending for the instance all the same, as after a read whose answer nobody awaits any more.
  bus.PublishAll({{"job", "2"}});
  const auto late = bus.store().ReadGroup({"job", {"work", 1}, holder});
  ASSERT_TRUE(late.ok());
  ASSERT_THAT(late->entries, SizeIs(1));
  DeliveryToken token = sink.tokens[0];
  token.position.entry = late->entries[0].id;
  EXPECT_EQ(SettleThere({}, {token}).done, 1U);
  EXPECT_THAT(bus.instance(0).store().dropped_mail(), ElementsAre(token.position.entry));
}

TEST_F(SettleMailTest, ALateNackIsNotObeyedByWhoTakesOverEither) {
  RecordingSink& sink = Hold(2);
  const DeliveryToken first = sink.tokens[0];
  bus.SettleTokens({Kind::kRelease, {}, ""}, {first});
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "1"));
  SettleThere({Kind::kNack, absl::Seconds(1), "late"}, {first});
  EXPECT_EQ(events.unknown, 1U);
  bus.Run(absl::Seconds(1));
  bus.instance(0).Kill();
  RecordingSink& heir = bus.Join("work", {"job"}, 1);
  bus.Run(absl::Seconds(20));
  ASSERT_THAT(heir.ids(), ElementsAre("1", "2"));
  EXPECT_EQ(heir.received[0].attempt, 1U);
  EXPECT_EQ(events.nacked, 0U);
}

TEST_F(SettleMailTest, ALateNackIsNotObeyedByWhomTheEntryIsReleasedTo) {
  RecordingSink& sink = Hold(2);
  const DeliveryToken first = sink.tokens[0];
  bus.SettleTokens({Kind::kRelease, {}, ""}, {first});
  SettleThere({Kind::kNack, absl::Seconds(1), "late"}, {first});
  bus.Close(sink);
  RecordingSink& heir = bus.Join("work", {"job"}, 1);
  bus.Run(absl::Seconds(5));
  ASSERT_THAT(heir.ids(), ElementsAre("1", "2"));
  EXPECT_EQ(heir.received[0].attempt, 1U);
  EXPECT_EQ(events.nacked, 0U);
}

TEST_F(SettleMailTest, AllOfMuchMailIsRead) {
  constexpr int kCount = 40;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.tokens = true;
  request.policy.ack_deadline = absl::Hours(1);
  RecordingSink& sink = bus.Open(request);
  for (int i = 0; i < kCount; ++i) {
    // Each an entry of its own.
    bus.Run(absl::Seconds(1));
    ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  }
  ASSERT_THAT(Pending(), SizeIs(kCount));
  bus.instance(0).store().GoDown();
  for (const DeliveryToken& token : sink.tokens) {
    // Of a version that is not understood, and large.
    std::string mail;
    AppendVarint(60'000, &mail);
    mail.append(60'000, '\x02');
    MailedSettle{0, {}, 1, 1}.AppendTo(&mail);
    ASSERT_TRUE(bus.store().LeaveMail({"job", {"work", 1}, {{token.position.entry, mail}}}).ok());
  }
  bus.instance(0).store().ComeBack();
  bus.Run(absl::Seconds(5));
  EXPECT_EQ(events.acked, uint64_t{kCount});
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_F(SettleMailTest, ATokenOfAGroupThatIsNotHeardOfYetIsNoUnknownOne) {
  bus.instance(1).store().SetRates(StoreCall::kListGroups, {.not_done = 1});
  RecordingSink& sink = Hold(2);
  bus.instance(1).store().SetRates(StoreCall::kListGroups, {});
  EXPECT_EQ(SettleThere({}, {sink.tokens[0]}).done, 1U);
  bus.Run();
  EXPECT_EQ(events.acked, 1U);
  EXPECT_EQ(events.unknown, 0U);
}

TEST_F(SettleMailTest, AsLongAsTheRegistryCannotBeReadATokenMayBeTriedAgain) {
  bus.instance(1).store().SetRates(StoreCall::kListGroups, {.not_done = 1});
  RecordingSink& sink = Hold(1);
  EXPECT_THAT(SettleThere({}, sink.tokens).others, ElementsAre(Pair(0, Problem::kFailed)));
  // It is not read for each of them.
  bus.instance(1).store().SetRates(StoreCall::kListGroups, {});
  EXPECT_THAT(SettleThere({}, sink.tokens).others, ElementsAre(Pair(0, Problem::kFailed)));
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(SettleThere({}, sink.tokens).done, 1U);
}

TEST_F(SettleMailTest, OneCommandMaySettleEventsHereAndThere) {
  RecordingSink& there = Hold(2);
  OpenRequest request;
  request.group = "other";
  request.patterns = {"job"};
  request.tokens = true;
  RecordingSink& here = bus.Open(request, 1);
  bus.PublishAll({{"job", "3"}});
  bus.Run();
  ASSERT_THAT(here.tokens, SizeIs(1));
  DeliveryToken nobodys = there.tokens[0];
  nobodys.position.entry.ms += 1;
  const TokenSettlement answer =
      SettleThere({}, {there.tokens[1], nobodys, here.tokens[0], there.tokens[0]});
  EXPECT_EQ(answer.done, 3U);
  EXPECT_THAT(answer.others, ElementsAre(Pair(1, Problem::kUnknown)));
  EXPECT_EQ(events.acked, 3U);
}

}  // namespace
}  // namespace eventbus
