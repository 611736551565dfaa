// Several instances on one store.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(InstancesTest, AnEventReachesAMemberOnAnotherInstance) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("work", {"job"}, other);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

TEST(InstancesTest, ABatchOfAQuietStreamIsSharedByAllInstances) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 50;
  RecordingSink& here = bus.Open(request);
  RecordingSink& there = bus.Open(request, other);
  bus.PublishAll(std::vector<std::pair<std::string, std::string>>(100, {"job", "x"}));
  EXPECT_THAT(here.received, SizeIs(50));
  EXPECT_THAT(there.received, SizeIs(50));
}

// It did not tell of its appends while it was alone.
TEST(InstancesTest, WhatWasAppendedBeforeAnInstanceKnewOfAnotherIsDeliveredThere) {
  BrokerOptions options;
  options.sweep_interval = absl::Hours(24);
  options.heartbeat_interval = absl::Minutes(1);
  options.dead_after = absl::Minutes(10);
  TestBus bus(options);
  bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "0").ok());
  bus.Run(absl::Minutes(2));
  bus.instance().store().DelayNext(StoreCall::kHeartbeat, absl::Milliseconds(400));
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("late", {"job"}, other);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  bus.Run();
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
}

TEST(InstancesTest, WhatADeadInstanceHeldIsTakenOver) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& dying = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(dying.ids(), ElementsAre("1"));
  RecordingSink& heir = bus.Join("work", {"job"}, other);
  bus.instance(0).Kill();
  bus.Run(absl::Seconds(8));
  EXPECT_THAT(heir.ids(), IsEmpty());
  bus.Run(absl::Seconds(5));
  ASSERT_THAT(heir.ids(), ElementsAre("1"));
  EXPECT_EQ(heir.received[0].attempt, 1U);
  EXPECT_EQ(heir.received[0].times_delivered, 2U);
}

TEST(InstancesTest, WhatADeadInstanceHeldIsTakenOverByWhoeverComesLater) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& dying = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(dying.ids(), ElementsAre("1"));
  bus.instance(0).Kill();
  bus.Run(absl::Minutes(1));
  RecordingSink& heir = bus.Join("work", {}, other);
  bus.Run(absl::Seconds(15));
  EXPECT_THAT(heir.ids(), ElementsAre("1"));
}

TEST(InstancesTest, ASlowHandlerIsNotRobbed) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.policy.ack_deadline = absl::Minutes(15);
  RecordingSink& slow = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& idle = bus.Join("work", {"job"}, other);
  bus.Run(absl::Minutes(10));
  EXPECT_THAT(slow.ids(), ElementsAre("1"));
  EXPECT_THAT(idle.ids(), IsEmpty());
}

TEST(InstancesTest, AFrozenInstanceLosesWhatItHeldAndGoesOnUnderANewName) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& frozen = bus.Join("work", {"job"});
  RecordingSink& heir = bus.Join("work", {"job"}, other);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& holder = frozen.received.empty() ? heir : frozen;
  RecordingSink& taker = frozen.received.empty() ? frozen : heir;
  TestInstance& stopped = bus.instance(&holder == &frozen ? 0 : other);
  stopped.process().Freeze();
  bus.Run(absl::Seconds(15));
  ASSERT_THAT(taker.ids(), ElementsAre("1"));
  stopped.process().Thaw();
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(holder.lost, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(stopped.broker().instance_id(), testing::EndsWith(".2"));
  bus.AckAll(taker);
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(holder.received, SizeIs(1));
  EXPECT_THAT(taker.received, SizeIs(1));
}

TEST(InstancesTest, WhoSettlesByTokensHearsWhichOfThemAreLost) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.tokens = true;
  RecordingSink& sink = bus.Open(request);
  bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}});
  ASSERT_THAT(sink.tokens, SizeIs(3));
  TokenSettleCommand ack;
  ack.parts = {{{}, {sink.tokens[1]}}};
  ack.done = [](const TokenSettlement&) {};
  bus.instance().broker().SettleByTokens(std::move(ack));
  bus.Run();
  bus.Join("work", {"job"}, other);
  bus.instance().process().Freeze();
  bus.Run(absl::Seconds(15));
  bus.instance().process().Thaw();
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(sink.lost_tokens, ElementsAre(sink.tokens[0], sink.tokens[2]));
  EXPECT_THAT(sink.lost, IsEmpty());
}

// It was frozen while an answer about the others was on its way to it.
TEST(InstancesTest, AnInstanceThatWakesUpJudgesNobodyByWhatItHeardBefore) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  const size_t first_to_leave = bus.AddInstance();
  const size_t second_to_leave = bus.AddInstance();
  bus.Run(absl::Seconds(3) + absl::Milliseconds(300));
  const auto leave = [&bus](size_t instance) {
    bus.instance(instance).process().Post(
        [&bus, instance] { bus.instance(instance).broker().Drain(bus.world().Now(), [] {}); });
    bus.Run();
  };
  // Each leave makes the others look; the second look finds nobody's counter moved, since the other
  // one is held up for a moment.
  TestInstance& sleeper = bus.instance();
  bus.instance(other).process().Freeze();
  leave(first_to_leave);
  sleeper.store().DelayNext(StoreCall::kHeartbeat, absl::Milliseconds(100));
  leave(second_to_leave);
  sleeper.process().Freeze();
  bus.instance(other).process().Thaw();
  bus.Run(absl::Seconds(15));
  sleeper.process().Thaw();
  bus.Run(absl::Seconds(15));
  EXPECT_EQ(bus.instance(other).broker().instance_id(), "instance-1");
}

// As when the whole machine slept: nobody's counter moved, and nobody is dead.
TEST(InstancesTest, InstancesThatSleptTogetherDoNotJudgeEachOther) {
  TestBus bus;
  bus.Run(absl::Milliseconds(100));
  const size_t other = bus.AddInstance();
  // The other one's last heartbeat was 100 ms after a full second. It has been seen.
  bus.world().Advance(absl::Seconds(4) + absl::Milliseconds(50) - bus.world().elapsed());
  bus.instance().process().Freeze();
  bus.instance(other).process().Freeze();
  bus.Run(absl::Minutes(5));
  bus.instance().process().Thaw();
  bus.Run(absl::Milliseconds(5));
  bus.instance(other).process().Thaw();
  bus.Run(absl::Minutes(1));
  EXPECT_EQ(bus.instance(0).broker().instance_id(), "instance-0");
  EXPECT_EQ(bus.instance(other).broker().instance_id(), "instance-1");
}

// What a judged instance had not sent yet was never delivered: the numbers that its subscribers see
// have no holes, and only what they saw is lost.
TEST(InstancesTest, AnOutageOfTheStoreKillsNobody) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.policy.ack_deadline = absl::Hours(1);
  RecordingSink& here = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(here.ids(), ElementsAre("1"));
  RecordingSink& there = bus.Join("work", {"job"}, other);
  const auto both = [&](auto act) {
    for (const size_t index : {size_t{0}, other}) {
      TestInstance* const instance = &bus.instance(index);
      instance->process().Post([instance, act] { act(instance->store()); });
    }
  };
  both([](FaultyStore& store) { store.GoDown(); });
  bus.Run(absl::Minutes(5));
  // One of them is back well before the other.
  bus.instance(other).process().Post([&] { bus.instance(other).store().ComeBack(); });
  bus.Run(absl::Seconds(8));
  bus.instance(0).process().Post([&] { bus.instance(0).store().ComeBack(); });
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(here.lost, IsEmpty());
  EXPECT_THAT(there.ids(), IsEmpty());
}

TEST(InstancesTest, WhatAJudgedInstanceHadNotSentLeavesNoHoleInTheNumbers) {
  TestBus bus;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.batch = {.size = 2, .timeout = absl::Minutes(5)};
  RecordingSink& sink = bus.Open(request);
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(bus.Publish("job", id).ok());
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2"));
  const size_t other = bus.AddInstance();
  bus.instance(0).process().Freeze();
  bus.Run(absl::Seconds(15));
  bus.instance(0).process().Thaw();
  bus.Run(absl::Seconds(15));
  EXPECT_THAT(sink.lost, ElementsAre(DeliveryRange{1, 2}));
  // It got them back, having the only subscriber.
  ASSERT_THAT(sink.received, SizeIs(4));
  EXPECT_EQ(sink.received[2].delivery, 3U);
  EXPECT_EQ(sink.received[3].delivery, 4U);
  EXPECT_EQ(bus.instance(other).broker().instance_id(), "instance-1");
}

// A type is registered, and its stream comes a moment later. What an instance hears in between
// about the stream that is not there must not hide what it hears afterwards.
class BirthElsewhereTest : public testing::Test {
 protected:
  BirthElsewhereTest() : bus(WithoutSweeps()), here_(bus.AddInstance()) {
    bus.instance(0).store().DelayNext(StoreCall::kRegisterType, absl::Milliseconds(50));
  }
  static BrokerOptions WithoutSweeps() {
    BrokerOptions options;
    options.sweep_interval = absl::Hours(10);
    return options;
  }
  FaultyStore& store() { return bus.instance(here_).store(); }
  void Publish() {
    PublishOutcome outcome;
    bus.instance(0).process().Post([&] {
      bus.instance(0).broker().Publish(
          CommandOf({{"job", "1"}}, [&](PublishOutcome known) { outcome = std::move(known); }));
    });
    bus.Run(absl::Seconds(1));
    ASSERT_THAT(outcome, SizeIs(1));
    ASSERT_TRUE(outcome[0].status.ok()) << outcome[0].status;
  }

  TestBus bus;
  const size_t here_;
};

TEST_F(BirthElsewhereTest, ATailMissesNothing) {
  OpenRequest request;
  request.tail = true;
  request.patterns = {"job"};
  RecordingSink& tail = bus.Open(request, here_);
  store().DelayNext(StoreCall::kReadRange, absl::Milliseconds(100));
  Publish();
  EXPECT_EQ(store().faults(), 1U);
  EXPECT_THAT(tail.ids(), ElementsAre("1"));
}

TEST_F(BirthElsewhereTest, AGroupDoesNotWaitForASweep) {
  RecordingSink& sink = bus.Join("work", {"job"}, here_);
  // When it has found nothing to read, it looks whether it can create the group there.
  store().DelayNext(StoreCall::kGetStreamInfo, absl::Milliseconds(100));
  Publish();
  EXPECT_EQ(store().faults(), 1U);
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

// This instance has heard of the group, and not of a type that is older. A subscriber that is told
// that it is open must get what is published from then on, whichever instance has created the group
// and not come so far.
TEST(InstancesTest, AGroupIsNotOpenBeforeAllOlderTypesAreKnown) {
  TestBus bus;
  TestInstance& here = bus.instance(bus.AddInstance());
  TestInstance& elsewhere = bus.instance();
  here.store().SetRates(StoreCall::kListTypes, {.not_done = 1});
  elsewhere.store().SetRates(StoreCall::kCreateGroup, {.not_done = 1});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  RecordingSink creator;
  elsewhere.process().Post([&] { elsewhere.broker().Open(request, &creator); });
  bus.Run();
  EXPECT_FALSE(creator.opened.has_value());
  RecordingSink& refused = bus.Open(request, 1);
  ASSERT_TRUE(refused.closed.has_value());
  EXPECT_EQ(refused.closed->code(), absl::StatusCode::kUnavailable);

  here.store().SetRates(StoreCall::kListTypes, {});
  RecordingSink& sink = bus.Open(request, 1);
  ASSERT_TRUE(sink.opened.has_value());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("2"));
}

// The instance that opens it says so with its next heartbeat; another one must not delete it
// before.
TEST(InstancesTest, WhatIsLeftOfAnEphemeralGroupIsNotTakenForANewOneOfItsName) {
  BrokerOptions options;
  options.ephemeral_expiry = absl::Seconds(5);
  TestBus bus(options);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.ephemeral = true;
  RecordingSink& first = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  EXPECT_THAT(first.ids(), ElementsAre("1"));
  bus.Close(first);
  bus.instance().store().FailNext(StoreCall::kRemoveGroup, StoreFault::kNotDone);
  bus.Run(absl::Seconds(20));
  RecordingSink& second = bus.Open(request);
  ASSERT_TRUE(second.opened.has_value());
  EXPECT_TRUE(second.opened->group_created);
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(second.ids(), IsEmpty());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  EXPECT_THAT(second.ids(), ElementsAre("2"));
}

TEST(InstancesTest, WhatIsLeftOfAnEphemeralGroupGoesAlsoIfTheStoreFailsAtFirst) {
  BrokerOptions options;
  options.ephemeral_expiry = absl::Seconds(5);
  TestBus bus(options);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.ephemeral = true;
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& sink = bus.Open(request);
  bus.Close(sink);
  const GroupKey key = {"work", bus.store().registry().ListGroups()[0].stamp << 16};
  ASSERT_TRUE(bus.store().ListConsumers("job", key).ok());
  bus.instance().store().FailNext(StoreCall::kRemoveGroup, StoreFault::kNotDone);
  bus.Run(absl::Minutes(1));
  EXPECT_FALSE(bus.store().ListConsumers("job", key).ok());
}

TEST(InstancesTest, AnEphemeralGroupThatIsOpenedJustBeforeItExpiresStays) {
  BrokerOptions options;
  options.ephemeral_expiry = absl::Seconds(5);
  TestBus bus(options);
  bus.Run(absl::Milliseconds(500));
  const size_t other = bus.AddInstance();
  bus.instance(other).store().DelayNext(StoreCall::kHeartbeat, absl::Milliseconds(500));
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.ephemeral = true;
  RecordingSink& first = bus.Open(request);
  // The first instance's heartbeats are half a second after full ones, since it heard of the other
  // one: it sees its group in use for the last time at 2.5 s, and finds it expired at 8.5 s. The
  // other one's are half a second later.
  const auto run_until = [&bus](absl::Duration time) { bus.Run(time - bus.world().elapsed()); };
  run_until(absl::Seconds(2) + absl::Milliseconds(600));
  bus.Close(first);
  run_until(absl::Seconds(8) + absl::Milliseconds(450));
  RecordingSink& second = bus.Open(request, other);
  ASSERT_TRUE(second.opened.has_value());
  EXPECT_FALSE(second.opened->group_created);
  bus.Run(absl::Minutes(1));
  EXPECT_FALSE(second.closed.has_value());
}

// One that has just come is not known to the others until their next heartbeat, however often they
// sweep.
TEST(InstancesTest, AnInstanceThatHasJustStartedIsNotRobbed) {
  BrokerOptions options;
  options.sweep_interval = absl::Milliseconds(100);
  options.heartbeat_interval = absl::Seconds(5);
  options.dead_after = absl::Seconds(30);
  TestBus bus(options);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 1;
  RecordingSink& old = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(old.ids(), ElementsAre("1"));
  RecordingSink& fresh = bus.Open(request, bus.AddInstance());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  ASSERT_THAT(fresh.ids(), ElementsAre("2"));
  bus.AckAll(old);
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(old.ids(), ElementsAre("1"));
}

TEST(InstancesTest, WhenTheLastMemberHereLeavesOthersElsewhereGetItsEventsAtOnce) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 10;
  RecordingSink& here = bus.Open(request);
  RecordingSink& there = bus.Open(request, other);
  bus.PublishAll(std::vector<std::pair<std::string, std::string>>(20, {"job", "x"}));
  ASSERT_THAT(there.received, SizeIs(10));
  bus.Settle(there, {.acks = {{1, 10}}});
  bus.Close(here);
  EXPECT_THAT(there.received, SizeIs(20));
}

TEST(InstancesTest, AGroupCreatedOnOneInstanceGetsTypesBornOnAnother) {
  TestBus bus;
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("all", {"*"}, other);
  bus.Close(sink);
  ASSERT_TRUE(bus.Publish("fresh.type", "1").ok());
  EXPECT_THAT(bus.Join("all", {}, other).ids(), ElementsAre("1"));
}

// A read over a connection that was given up, served after the pending list was looked through.
TEST(InstancesTest, WhatTheStoreHandedOutLateIsFoundByTheSweep) {
  TestBus bus;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 1;
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  ASSERT_THAT(sink.ids(), ElementsAre("1"));
  VirtualProcess& behind = bus.world().CreateProcess("behind");
  MemoryStoreConnection connection(&bus.store(), &behind);
  size_t read = 0;
  behind.Post([&] {
    connection.ReadGroup({"job", {"work", 1}, "instance-0", 10},
                         [&read](const absl::StatusOr<ReadGroupResult>& result) {
                           if (result.ok()) read = result->entries.size();
                         });
  });
  bus.Run();
  ASSERT_EQ(read, 1u);
  bus.AckAll(sink);
  bus.Run(absl::Seconds(12));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace eventbus
