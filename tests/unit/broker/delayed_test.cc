// Events that are to be delivered later.
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/delayed_list.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Events = std::vector<std::pair<std::string, std::string>>;

class DelayedTest : public ::testing::Test {
 protected:
  // Publishes through an instance, and waits for the answer.
  PublishOutcome Delay(const Events& events, absl::Duration after, size_t instance = 0) {
    PublishOutcome outcome;
    TestInstance& through = bus_.instance(instance);
    through.process().Post([&] {
      PublishCommand command =
          CommandOf(events, [&](PublishOutcome known) { outcome = std::move(known); });
      command.delay = DeliveryDelay{.after = after};
      through.broker().Publish(std::move(command));
    });
    bus_.world().RunUntil([&] { return !outcome.empty(); }, absl::Seconds(30));
    return outcome;
  }

  DelayedPage List(DelayedQuery query = {}) {
    std::optional<absl::StatusOr<DelayedPage>> page;
    bus_.instance().process().Post([&] {
      bus_.instance().broker().ListDelayed(
          std::move(query), [&](absl::StatusOr<DelayedPage> got) { page = std::move(got); });
    });
    bus_.world().RunUntil([&] { return page.has_value(); }, absl::Seconds(30));
    EXPECT_TRUE(page->ok());
    return *std::move(*page);
  }

  absl::Status Cancel(const std::string& schedule_id) {
    std::optional<absl::Status> status;
    bus_.instance().process().Post([&] {
      bus_.instance().broker().CancelDelayed(
          *ScheduleId::Parse(schedule_id),
          [&](const absl::StatusOr<ListedDelayed>& cancelled) { status = cancelled.status(); });
    });
    bus_.world().RunUntil([&] { return status.has_value(); }, absl::Seconds(30));
    return *status;
  }

  // Of the types, in order of the page.
  static std::vector<std::string> StreamsOf(const DelayedPage& page) {
    std::vector<std::string> streams;
    for (const ListedDelayed& listed : page.events) streams.push_back(listed.stream);
    return streams;
  }

  TestBus bus_;
};

TEST_F(DelayedTest, IsAnsweredWithAScheduleIdAndDeliveredWhenItIsDue) {
  RecordingSink& member = bus_.Join("g", {"job"});
  RecordingSink& tail = bus_.Tail({"job"});
  const PublishOutcome outcome = Delay({{"job", "1"}}, absl::Seconds(10));
  ASSERT_THAT(outcome, SizeIs(1));
  ASSERT_TRUE(outcome[0].status.ok()) << outcome[0].status;
  ASSERT_THAT(outcome[0].schedule_ids, SizeIs(1));
  EXPECT_TRUE(ScheduleId::Parse(outcome[0].schedule_ids[0]).ok());
  bus_.Run(absl::Milliseconds(9'980));
  EXPECT_THAT(member.ids(), IsEmpty());
  EXPECT_THAT(tail.ids(), IsEmpty());
  bus_.Run(absl::Milliseconds(50));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
  EXPECT_THAT(tail.ids(), ElementsAre("1"));
}

TEST_F(DelayedTest, ATypeThatIsNewGoesToEveryGroupThatMatches) {
  RecordingSink& member = bus_.Join("g", {"new.*"});
  Delay({{"new.type", "1"}}, absl::Seconds(1));
  bus_.Run(absl::Milliseconds(1100));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
}

TEST_F(DelayedTest, SoonestFirstWhateverTheOrderOfPublishing) {
  RecordingSink& member = bus_.Join("g", {"job"});
  Delay({{"job", "3"}}, absl::Seconds(3));
  Delay({{"job", "1"}, {"job", "1b"}}, absl::Seconds(1));
  Delay({{"job", "2"}}, absl::Seconds(2));
  bus_.PublishAll({{"job", "0"}});
  bus_.Run(absl::Seconds(4));
  EXPECT_THAT(member.ids(), ElementsAre("0", "1", "1b", "2", "3"));
}

TEST_F(DelayedTest, ABatchOfSeveralTypesHasAnIdForEachEvent) {
  const PublishOutcome outcome = Delay({{"a", "1"}, {"b", "2"}, {"b", "3"}}, absl::Seconds(1));
  ASSERT_THAT(outcome, SizeIs(2));
  EXPECT_THAT(outcome[0].schedule_ids, SizeIs(1));
  EXPECT_THAT(outcome[1].schedule_ids, SizeIs(2));
}

TEST_F(DelayedTest, AnotherInstanceDeliversWhatADeadOneHasDelayed) {
  const size_t other = bus_.AddInstance();
  RecordingSink& member = bus_.Join("g", {"job"}, other);
  Delay({{"job", "1"}}, absl::Seconds(30));
  bus_.instance(0).Kill();
  bus_.Run(absl::Milliseconds(29'900));
  EXPECT_THAT(member.ids(), IsEmpty());
  bus_.Run(absl::Milliseconds(200));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
}

TEST_F(DelayedTest, WhatADeadInstanceHasDelayedForAMomentLaterIsLateBySecondsAtMost) {
  const size_t other = bus_.AddInstance();
  RecordingSink& member = bus_.Join("g", {"job"}, other);
  Delay({{"job", "1"}}, absl::Seconds(1));
  bus_.instance(0).Kill();
  bus_.Run(absl::Seconds(6));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
}

TEST_F(DelayedTest, SeveralInstancesDeliverItOnce) {
  for (int i = 0; i < 3; ++i) bus_.AddInstance();
  RecordingSink& member = bus_.Join("g", {"job"});
  for (size_t i = 0; i < 4; ++i) Delay({{"job", std::to_string(i)}}, absl::Seconds(20), i);
  bus_.Run(absl::Seconds(25));
  EXPECT_THAT(member.ids(), SizeIs(4));
}

TEST_F(DelayedTest, ALostAnswerOfTheMoveLosesAndRepeatsNothing) {
  RecordingSink& member = bus_.Join("g", {"job"});
  Delay({{"job", "1"}, {"job", "2"}}, absl::Seconds(1));
  bus_.instance().store().FailNext(StoreCall::kMoveDue, StoreFault::kReplyLost);
  bus_.Run(absl::Seconds(5));
  EXPECT_THAT(member.ids(), ElementsAre("1", "2"));
}

TEST_F(DelayedTest, AFailedMoveIsTriedAgain) {
  RecordingSink& member = bus_.Join("g", {"job"});
  Delay({{"job", "1"}}, absl::Seconds(1));
  bus_.instance().store().FailNext(StoreCall::kMoveDue, StoreFault::kNotDone);
  bus_.instance().store().FailNext(StoreCall::kListDue, StoreFault::kNotDone);
  bus_.Run(absl::Seconds(2));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
}

TEST_F(DelayedTest, WhoseOutcomeIsUnknownIsDeliveredAllTheSame) {
  RecordingSink& member = bus_.Join("g", {"job"});
  bus_.PublishAll({{"job", "0"}});
  bus_.instance().store().FailNext(StoreCall::kAppendOnce, StoreFault::kReplyLost);
  const PublishOutcome outcome = Delay({{"job", "1"}}, absl::Seconds(10));
  EXPECT_EQ(ReasonOf(outcome[0].status), Reason::kOutcomeUnknown);
  bus_.Run(absl::Seconds(16));
  EXPECT_THAT(member.ids(), ElementsAre("0", "1"));
}

TEST_F(DelayedTest, ThroughAnOutageOfTheStore) {
  RecordingSink& member = bus_.Join("g", {"job"});
  Delay({{"job", "1"}}, absl::Seconds(10));
  bus_.instance().store().GoDown();
  bus_.Run(absl::Seconds(20));
  EXPECT_THAT(member.ids(), IsEmpty());
  bus_.instance().store().ComeBack();
  bus_.Run(absl::Milliseconds(100));
  EXPECT_THAT(member.ids(), ElementsAre("1"));
}

TEST_F(DelayedTest, ManyAtOnce) {
  OpenRequest request;
  request.group = "g";
  request.patterns = {"job"};
  request.flow = {100'000, uint64_t{64} << 20};
  RecordingSink& member = bus_.Open(request);
  Events many;
  for (int i = 0; i < 10'000; ++i) many.emplace_back("job", std::to_string(i));
  Delay(many, absl::Seconds(10));
  EXPECT_EQ(bus_.instance().broker().Counts().delayed_events, 10'000U);
  bus_.Run(absl::Milliseconds(10'100));
  ASSERT_THAT(member.received, SizeIs(10'000));
  EXPECT_EQ(member.received.back().id, "9999");
  EXPECT_LE(bus_.store().GetStreamInfo("job")->entries, 200U);
  EXPECT_EQ(bus_.instance().broker().Counts().delayed_events, 0U);
}

TEST_F(DelayedTest, CancelledOnesAreNotDelivered) {
  RecordingSink& member = bus_.Join("g", {"job"});
  const PublishOutcome outcome = Delay({{"job", "1"}, {"job", "2"}}, absl::Seconds(1));
  EXPECT_TRUE(Cancel(outcome[0].schedule_ids[0]).ok());
  EXPECT_EQ(ReasonOf(Cancel(outcome[0].schedule_ids[0])), Reason::kStreamNotFound);
  bus_.Run(absl::Seconds(2));
  EXPECT_THAT(member.ids(), ElementsAre("2"));
  EXPECT_EQ(ReasonOf(Cancel(outcome[0].schedule_ids[1])), Reason::kStreamNotFound);
}

TEST_F(DelayedTest, AreListedSoonestFirstAcrossTypes) {
  Delay({{"b", "1"}}, absl::Seconds(20));
  Delay({{"a", "1"}}, absl::Seconds(30));
  Delay({{"c", "1"}}, absl::Seconds(10));
  Delay({{"a", "2"}}, absl::Seconds(15));
  const DelayedPage page = List();
  EXPECT_THAT(StreamsOf(page), ElementsAre("c", "a", "b", "a"));
  EXPECT_FALSE(page.more);
}

TEST_F(DelayedTest, AreListedByPagesAndFiltered) {
  for (int i = 0; i < 7; ++i) {
    Delay({{"a", "x"}, {"b", "x"}, {"other.c", "x"}}, absl::Seconds(10 + i / 3));
  }
  DelayedQuery query;
  query.patterns = *PatternSet::Parse({"*"});
  query.max_events = 4;
  std::vector<std::string> ids;
  while (true) {
    const DelayedPage page = List(query);
    for (const ListedDelayed& listed : page.events) {
      ids.push_back(listed.stream + "~" + listed.event.id);
    }
    if (!page.more) break;
    ASSERT_THAT(page.events, SizeIs(4));
    const ListedDelayed& last = page.events.back();
    query.after = DelayedCursor{last.event.due, {last.stream, last.event.id}};
    EXPECT_EQ(DelayedCursor::Parse(query.after->ToString())->id.id, last.event.id);
  }
  EXPECT_THAT(ids, SizeIs(21));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 21U);
  query = {};
  query.patterns = *PatternSet::Parse({"other.*"});
  EXPECT_THAT(List(query).events, SizeIs(7));
  query = {};
  query.due_before = bus_.world().Now() + absl::Milliseconds(10'500);
  EXPECT_THAT(List(query).events, SizeIs(9));
  query = {};
  query.max_bytes = 1;
  EXPECT_THAT(List(query).events, SizeIs(1));
  EXPECT_TRUE(List(query).more);
}

TEST(ScheduleIdTest, HasOneForm) {
  EXPECT_EQ(ScheduleId::Parse("order.placed~17")->stream, "order.placed");
  EXPECT_EQ(ScheduleId::Parse("order.placed~17")->ToString(), "order.placed~17");
  for (const char* bad : {"", "~", "a~", "~1", "a~b", "a b~1", "a", "a~1~2", "a~-1"}) {
    EXPECT_FALSE(ScheduleId::Parse(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace eventbus
