// Ends of deliveries.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CountingEvents : public BrokerEvents {
 public:
  void OnAcked(uint64_t events) override { acked += events; }
  void OnUnknownSettle(uint64_t deliveries) override { unknown += deliveries; }
  uint64_t acked = 0;
  uint64_t unknown = 0;
};

class SettleTest : public testing::Test {
 protected:
  SettleTest() : bus(BrokerOptions(), &events) {}
  void Publish(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(bus.Publish("job", std::to_string(next_++)).ok());
    }
  }
  // What a fresh member of the group gets: all that is not settled.
  std::vector<std::string> Unsettled(RecordingSink& sink) {
    bus.Close(sink);
    return bus.Join("work", {"job"}).ids();
  }

  CountingEvents events;
  TestBus bus;
  int next_ = 1;
};

TEST_F(SettleTest, WhatIsAckedDoesNotComeAgain) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish(4);
  bus.Settle(sink, {.acks = {{1, 2}, {4, 4}}});
  EXPECT_EQ(events.acked, 3U);
  EXPECT_THAT(Unsettled(sink), ElementsAre("3"));
}

TEST_F(SettleTest, AcksInAnyOrderAndOverlappingAreCountedOnce) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish(5);
  bus.Settle(sink, {.acks = {{4, 5}, {1, 4}, {5, 2}}});
  EXPECT_EQ(events.acked, 5U);
  EXPECT_EQ(events.unknown, 1U);
  EXPECT_THAT(Unsettled(sink), IsEmpty());
}

TEST_F(SettleTest, AnUnknownDeliveryIsHarmlessAndCounted) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish(1);
  bus.Settle(sink, {.acks = {{2, 11}, {0, 0}}});
  EXPECT_EQ(events.unknown, 11U);
  EXPECT_EQ(events.acked, 0U);
  bus.Settle(sink, {.acks = {{0, UINT64_MAX}}});
  EXPECT_EQ(events.acked, 1U);
}

TEST_F(SettleTest, AReleasedEventComesAgainAtOnceWithTheSameAttempt) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish(3);
  bus.Settle(sink, {.releases = {{2, 2}}});
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "2"));
  EXPECT_EQ(sink.received[3].delivery, 4U);
  EXPECT_EQ(sink.received[3].attempt, 1U);
  EXPECT_EQ(sink.received[3].times_delivered, 2U);
  // The old number means nothing any more.
  bus.Settle(sink, {.acks = {{2, 2}}});
  EXPECT_EQ(events.acked, 0U);
}

TEST_F(SettleTest, ConfirmTellsTheFateOfEveryNumber) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish(4);
  bus.Settle(sink, {.acks = {{2, 2}}});
  bus.Settle(sink, {.acks = {{1, 3}, {7, 8}}, .confirm = 42});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_EQ(sink.settled[0].confirm, 42U);
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{1, 1}, DeliveryRange{3, 3}));
  EXPECT_THAT(sink.settled[0].unknown, ElementsAre(DeliveryRange{2, 2}, DeliveryRange{7, 8}));
}

// Entries with many events, some of which are settled when the instance dies.
TEST_F(SettleTest, WhatWasConfirmedOfAnEntrySurvivesTheInstance) {
  bus.WarmUp("job");
  RecordingSink& sink = bus.Join("work", {"job"});
  const PublishOutcome outcome =
      bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}, {"job", "4"}});
  ASSERT_THAT(outcome, SizeIs(1));
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "3", "4"));
  bus.Settle(sink, {.acks = {{2, 3}}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  const size_t other = bus.AddInstance();
  bus.instance(0).Kill();
  RecordingSink& heir = bus.Join("work", {}, other);
  bus.world().RunUntil([&] { return !heir.received.empty(); }, absl::Minutes(1));
  EXPECT_THAT(heir.ids(), ElementsAre("1", "4"));
}

TEST_F(SettleTest, WhatWasSettledForMoreThanASecondSurvivesTheInstance) {
  bus.WarmUp("job");
  RecordingSink& sink = bus.Join("work", {"job"});
  bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}});
  bus.Settle(sink, {.acks = {{2, 2}}});
  bus.Run(absl::Seconds(2));
  const size_t other = bus.AddInstance();
  bus.instance(0).Kill();
  RecordingSink& heir = bus.Join("work", {}, other);
  bus.world().RunUntil([&] { return !heir.received.empty(); }, absl::Minutes(1));
  EXPECT_THAT(heir.ids(), ElementsAre("1", "3"));
}

// Its events are settled one after the other, in one turn: nothing of the entry is left to save.
TEST_F(SettleTest, AWholeEntrySettledPieceByPieceIsConfirmed) {
  bus.WarmUp("job");
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_THAT(bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}}), SizeIs(1));
  bus.Settle(sink, {.acks = {{1, 1}, {3, 3}, {2, 2}}, .confirm = 1});
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done,
              ElementsAre(DeliveryRange{1, 1}, DeliveryRange{3, 3}, DeliveryRange{2, 2}));
  EXPECT_THAT(Unsettled(sink), IsEmpty());
}

TEST_F(SettleTest, AWholeEntrySettledByTokensIsConfirmed) {
  bus.WarmUp("job");
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.tokens = true;
  RecordingSink& sink = bus.Open(request);
  ASSERT_THAT(bus.PublishAll({{"job", "1"}, {"job", "2"}}), SizeIs(1));
  ASSERT_THAT(sink.tokens, SizeIs(2));
  TokenSettlement answer;
  bus.instance().process().Post([&] {
    TokenSettleCommand command;
    command.parts = {{{}, sink.tokens}};
    command.done = [&](TokenSettlement settlement) { answer = std::move(settlement); };
    bus.instance().broker().SettleByTokens(std::move(command));
  });
  bus.Run();
  EXPECT_EQ(answer.done, 2U);
}

// The second event's settlement comes while the store is away, and with it all of the entry's.
TEST_F(SettleTest, AConfirmationThatWaitsForTheStoreComesWithTheRestOfTheEntry) {
  bus.WarmUp("job");
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_THAT(bus.PublishAll({{"job", "1"}, {"job", "2"}}), SizeIs(1));
  bus.instance().process().Post([this] { bus.instance().store().GoDown(); });
  bus.Settle(sink, {.acks = {{1, 1}}, .confirm = 1});
  bus.Settle(sink, {.acks = {{2, 2}}});
  EXPECT_THAT(sink.settled, IsEmpty());
  bus.instance().process().Post([this] { bus.instance().store().ComeBack(); });
  bus.Run();
  ASSERT_THAT(sink.settled, SizeIs(1));
  EXPECT_THAT(sink.settled[0].done, ElementsAre(DeliveryRange{1, 1}));
}

class JudgedTest : public SettleTest {
 protected:
  // An instance holds an entry of two events, and is frozen until another one has taken it over.
  void SetUp() override {
    bus.WarmUp("job");
    holder = &bus.Join("work", {"job"});
    ASSERT_THAT(bus.PublishAll({{"job", "1"}, {"job", "2"}}), SizeIs(1));
    other_instance = bus.AddInstance();
    heir = &bus.Join("work", {}, other_instance);
    bus.instance().process().Freeze();
    bus.Run(absl::Seconds(15));
    ASSERT_THAT(heir->ids(), ElementsAre("1", "2"));
  }

  RecordingSink* holder = nullptr;
  RecordingSink* heir = nullptr;
  size_t other_instance = 0;
};

TEST_F(JudgedTest, APartOfAnEntryThatOthersHaveIsNotConfirmed) {
  bus.Settle(*holder, {.acks = {{1, 1}}, .confirm = 1});
  bus.instance().process().Thaw();
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(holder->settled, SizeIs(1));
  EXPECT_THAT(holder->settled[0].done, IsEmpty());
  EXPECT_THAT(holder->settled[0].failed, ElementsAre(DeliveryRange{1, 1}));
}

TEST_F(JudgedTest, WhatWaitedForTheStoreWhenTheJudgementCameIsNotConfirmed) {
  TestInstance& instance = bus.instance();
  // It hears late of the judgement, and asks nothing of the store for a moment, since a read
  // failed.
  instance.store().DelayNext(StoreCall::kHeartbeat, absl::Milliseconds(100));
  instance.store().FailNext(StoreCall::kReadGroup, StoreFault::kNotDone);
  TestInstance& publishing = bus.instance(other_instance);
  publishing.process().Post([&publishing] {
    publishing.broker().Publish(CommandOf({{"job", "3"}}, [](const PublishOutcome&) {}));
  });
  bus.Run();
  instance.process().Thaw();
  bus.Run();
  bus.Settle(*holder, {.acks = {{1, 1}}, .confirm = 1});
  EXPECT_THAT(holder->settled, IsEmpty());
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(holder->settled, SizeIs(1));
  EXPECT_THAT(holder->settled[0].failed, ElementsAre(DeliveryRange{1, 1}));
}

TEST_F(SettleTest, TokensSettle) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.tokens = true;
  RecordingSink& sink = bus.Open(request);
  Publish(3);
  ASSERT_THAT(sink.tokens, SizeIs(3));
  TokenSettlement answer;
  bus.instance().process().Post([&] {
    TokenSettleCommand command;
    command.parts = {{{}, {sink.tokens[0], sink.tokens[2], sink.tokens[0]}}};
    command.done = [&](TokenSettlement settlement) { answer = std::move(settlement); };
    bus.instance().broker().SettleByTokens(std::move(command));
  });
  bus.Run();
  EXPECT_EQ(answer.done, 2U);
  ASSERT_THAT(answer.others, SizeIs(1));
  EXPECT_EQ(answer.others[0].first, 2U);
  EXPECT_EQ(answer.others[0].second, TokenSettlement::Problem::kUnknown);
  EXPECT_THAT(Unsettled(sink), ElementsAre("2"));
}

TEST_F(SettleTest, ALateAckOfAnEventThatIsReadyAgainIsHonoured) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.tokens = true;
  request.flow.max_in_flight = 1;
  RecordingSink& sink = bus.Open(request);
  Publish(2);
  const DeliveryToken first = sink.tokens[0];
  RecordingSink& other = bus.Open(request);  // Takes the second event and is full.
  bus.Close(sink);                           // Now the first one waits.
  ASSERT_THAT(other.ids(), ElementsAre("2"));
  TokenSettlement answer;
  bus.instance().process().Post([&] {
    TokenSettleCommand command;
    command.parts = {{{}, {first}}};
    command.done = [&](TokenSettlement settlement) { answer = std::move(settlement); };
    bus.instance().broker().SettleByTokens(std::move(command));
  });
  bus.Run();
  EXPECT_EQ(answer.done, 1U);
  EXPECT_THAT(Unsettled(other), ElementsAre("2"));
}

}  // namespace
}  // namespace eventbus
