// Ordered groups: of each ordering key one event at a time, through retries and from instance to
// instance.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OrderedTest : public testing::Test {
 protected:
  RecordingSink& Join(size_t instance = 0, uint32_t max_in_flight = 1000) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job", "job.*"};
    request.policy.ordered = true;
    request.policy.max_retries = 1;
    request.flow.max_in_flight = max_in_flight;
    return bus.Open(std::move(request), instance);
  }
  void Publish(const std::string& id, const std::string& type = "job") {
    ASSERT_TRUE(bus.Publish(type, id).ok());
  }
  void Ack(RecordingSink& sink, uint64_t number) {
    bus.Settle(sink, {.acks = {{number, number}}});
    bus.Run();
  }
  // Acks whatever comes until nothing comes any more, and answers with all ids in order.
  std::vector<std::string> Drain(RecordingSink& sink) {
    size_t seen = 0;
    while (seen < sink.received.size()) {
      seen = sink.received.size();
      bus.AckAll(sink);
      bus.Run(absl::Milliseconds(100));
    }
    return sink.ids();
  }
  FaultyStore& store(size_t instance = 0) { return bus.instance(instance).store(); }

  TestBus bus;
};

TEST_F(OrderedTest, OfAKeyTheNextComesWhenTheOneBeforeIsSettled) {
  RecordingSink& sink = Join();
  for (const char* id : {"a/1", "a/2", "b/1", "a/3", "b/2"}) Publish(id);
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "b/1"));
  Ack(sink, 1);
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "b/1", "a/2"));
  Ack(sink, 3);
  Ack(sink, 2);
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "b/1", "a/2", "a/3", "b/2"));
}

TEST_F(OrderedTest, WithinAnEntryToo) {
  bus.WarmUp("job");
  RecordingSink& sink = Join();
  bus.PublishAll({{"job", "a/1"}, {"job", "a/2"}, {"job", "b/1"}, {"job", "a/3"}});
  bus.Run();
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "b/1"));
  EXPECT_THAT(Drain(sink), ElementsAre("a/1", "b/1", "a/2", "a/3"));
}

TEST_F(OrderedTest, EventsWithoutAKeyWaitForNobody) {
  RecordingSink& sink = Join();
  for (const char* id : {"1", "2", "3"}) Publish(id);
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2", "3"));
}

TEST_F(OrderedTest, ARetryHoldsUpItsKeyAndNoOther) {
  RecordingSink& sink = Join();
  for (const char* id : {"a/1", "a/2", "b/1"}) Publish(id);
  bus.Settle(sink, {.nacks = {{.deliveries = {{1, 1}}, .delay = absl::Seconds(10)}}});
  Publish("b/2");
  Ack(sink, 2);
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "b/1", "b/2"));
  bus.Run(absl::Seconds(11));
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "b/1", "b/2", "a/1"));
  EXPECT_THAT(Drain(sink), ElementsAre("a/1", "b/1", "b/2", "a/1", "a/2"));
}

TEST_F(OrderedTest, ADeadLetterMakesRoomOnceItIsWritten) {
  RecordingSink& sink = Join();
  Publish("a/1");
  Publish("a/2");
  store().FailNext(StoreCall::kBury, StoreFault::kReplyLate);
  bus.Settle(sink, {.rejects = {{.deliveries = {{1, 1}}, .reason = "bad"}}});
  EXPECT_THAT(sink.ids(), ElementsAre("a/1"));
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(sink.ids(), ElementsAre("a/1", "a/2"));
}

TEST_F(OrderedTest, WhatIsGivenBackComesBeforeTheOthersOfItsKey) {
  RecordingSink& first = Join();
  RecordingSink& second = Join();
  Publish("a/1");
  Publish("a/2");
  ASSERT_EQ(first.received.size() + second.received.size(), 1U);
  RecordingSink& holder = first.received.empty() ? second : first;
  RecordingSink& other = first.received.empty() ? first : second;
  bus.Close(holder);
  EXPECT_THAT(other.ids(), ElementsAre("a/1"));
  EXPECT_THAT(Drain(other), ElementsAre("a/1", "a/2"));
}

TEST_F(OrderedTest, OneInstanceOwnsAStreamAndTheOthersStandBy) {
  const size_t other = bus.AddInstance();
  RecordingSink& owner = Join();
  Publish("a/1");
  RecordingSink& standby = Join(other);
  ASSERT_TRUE(standby.opened.has_value());
  EXPECT_TRUE(standby.opened->standing_by);
  for (const char* id : {"b/1", "c/1", "d/1"}) Publish(id);
  EXPECT_THAT(owner.ids(), SizeIs(4));
  EXPECT_THAT(standby.ids(), IsEmpty());
}

TEST_F(OrderedTest, WhoeverStandsByTakesOverInOrderWhenTheOwnerLeaves) {
  const size_t other = bus.AddInstance();
  RecordingSink& owner = Join();
  RecordingSink& standby = Join(other);
  for (const char* id : {"a/1", "a/2", "b/1", "a/3"}) Publish(id);
  bus.Close(owner);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(standby.ids(), ElementsAre("a/1", "b/1"));
  EXPECT_THAT(Drain(standby), ElementsAre("a/1", "b/1", "a/2", "a/3"));
}

TEST_F(OrderedTest, WhoeverStandsByTakesOverWhenTheOwnerDies) {
  const size_t other = bus.AddInstance();
  RecordingSink& owner = Join();
  RecordingSink& standby = Join(other);
  for (const char* id : {"a/1", "a/2", "a/3"}) Publish(id);
  Ack(owner, 1);
  bus.Run(absl::Seconds(2));
  bus.instance(0).Kill();
  bus.Run(absl::Seconds(20));
  EXPECT_THAT(standby.ids(), ElementsAre("a/2"));
  EXPECT_THAT(Drain(standby), ElementsAre("a/2", "a/3"));
}

TEST_F(OrderedTest, RetriesKeepTheirAttemptsAndTheirPlaceWhenTheOwnerDies) {
  const size_t other = bus.AddInstance();
  RecordingSink& owner = Join();
  RecordingSink& standby = Join(other);
  for (const char* id : {"a/1", "a/2"}) Publish(id);
  bus.Settle(owner, {.nacks = {{.deliveries = {{1, 1}}, .delay = absl::Seconds(60)}}});
  bus.Run(absl::Seconds(2));
  bus.instance(0).Kill();
  bus.Run(absl::Seconds(20));
  EXPECT_THAT(standby.ids(), IsEmpty());
  bus.Run(absl::Seconds(45));
  ASSERT_THAT(standby.ids(), ElementsAre("a/1"));
  EXPECT_EQ(standby.received[0].attempt, 2U);
  EXPECT_THAT(Drain(standby), ElementsAre("a/1", "a/2"));
}

TEST_F(OrderedTest, AReadWhoseAnswerIsLostDoesNotLetLaterEventsGoFirst) {
  RecordingSink& sink = Join();
  store().FailNext(StoreCall::kReadGroup, StoreFault::kReplyLost);
  for (const char* id : {"a/1", "a/2", "a/3"}) Publish(id);
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(Drain(sink), ElementsAre("a/1", "a/2", "a/3"));
}

TEST_F(OrderedTest, ALeaseWhoseAnswerIsLostIsGotAgain) {
  RecordingSink& sink = Join();
  bus.Close(sink);
  bus.Run(absl::Seconds(1));
  store().FailNext(StoreCall::kAcquireLease, StoreFault::kReplyLost);
  RecordingSink& again = Join();
  Publish("a/1");
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(again.ids(), ElementsAre("a/1"));
}

TEST_F(OrderedTest, AnOwnerThatWasTakenForDeadLosesWhatItHasAndStandsBy) {
  const size_t other = bus.AddInstance();
  RecordingSink& owner = Join();
  RecordingSink& standby = Join(other);
  for (const char* id : {"a/1", "a/2"}) Publish(id);
  ASSERT_THAT(owner.ids(), ElementsAre("a/1"));
  bus.instance(0).process().Freeze();
  bus.Run(absl::Seconds(20));
  EXPECT_THAT(standby.ids(), ElementsAre("a/1"));
  bus.instance(0).process().Thaw();
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(owner.lost, SizeIs(1));
  Publish("a/3");
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(Drain(standby), ElementsAre("a/1", "a/2", "a/3"));
  EXPECT_THAT(owner.ids(), ElementsAre("a/1"));
}

TEST_F(OrderedTest, StreamsAreSpreadOverTheInstances) {
  const size_t other = bus.AddInstance();
  for (const char* type : {"job.a", "job.b", "job.c", "job.d"}) Publish("x/0", type);
  RecordingSink& owner = Join();
  bus.Run(absl::Seconds(1));
  RecordingSink& standby = Join(other);
  EXPECT_TRUE(standby.opened->standing_by);
  bus.Run(absl::Minutes(1));
  for (const char* type : {"job.a", "job.b", "job.c", "job.d"}) Publish("x/1", type);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(owner.ids(), SizeIs(2));
  EXPECT_THAT(standby.ids(), SizeIs(2));
}

TEST_F(OrderedTest, ABusyStreamIsNotHeldUpForASlowHandlerToBeHandedOver) {
  const size_t other = bus.AddInstance();
  for (const char* type : {"job.a", "job.b"}) Publish("x/0", type);
  RecordingSink& owner = Join();
  for (const char* type : {"job.a", "job.b"}) Publish("slow/1", type);
  bus.Run(absl::Seconds(1));
  RecordingSink& standby = Join(other);
  bus.Run(absl::Seconds(20));
  for (const char* type : {"job.a", "job.b"}) Publish("fast/1", type);
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(owner.ids(), SizeIs(4));
  EXPECT_THAT(standby.ids(), IsEmpty());
}

TEST_F(OrderedTest, AKeyThatHoldsUpManyStopsReadingAtTheWindow) {
  BrokerOptions options;
  options.max_key_lines_events = 10;
  TestBus small(options);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.policy.ordered = true;
  RecordingSink& sink = small.Open(std::move(request));
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(small.Publish("job", "a/" + std::to_string(i)).ok());
  }
  ASSERT_TRUE(small.Publish("job", "b/1").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("a/0"));
  for (uint64_t number = 1; number <= 41; ++number) {
    small.Settle(sink, {.acks = {{number, number}}});
    small.Run(absl::Seconds(1));
  }
  EXPECT_THAT(sink.ids(), SizeIs(41));
}

TEST_F(OrderedTest, ASeekKeepsTheOrder) {
  RecordingSink& sink = Join();
  for (const char* id : {"a/1", "a/2", "a/3"}) Publish(id);
  EXPECT_THAT(Drain(sink), ElementsAre("a/1", "a/2", "a/3"));
  SeekGroupCommand seek;
  seek.name = "work";
  seek.target = StartEarliest{};
  bool done = false;
  bus.instance().process().Post([&] {
    bus.instance().broker().group_editor().Seek(std::move(seek), [&done](const auto& result) {
      EXPECT_TRUE(result.ok()) << result.status();
      done = true;
    });
  });
  bus.Run(absl::Seconds(2));
  ASSERT_TRUE(done);
  EXPECT_THAT(Drain(sink), ElementsAre("a/1", "a/2", "a/3", "a/1", "a/2", "a/3"));
}

TEST_F(OrderedTest, WhetherAGroupIsOrderedCannotBeChanged) {
  Join();
  UpdateGroupCommand update;
  update.name = "work";
  update.policy.ordered = false;
  absl::Status status;
  bus.instance().process().Post([&] {
    bus.instance().broker().group_editor().Update(
        std::move(update), [&status](const auto& result) { status = result.status(); });
  });
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
}

}  // namespace
}  // namespace eventbus
