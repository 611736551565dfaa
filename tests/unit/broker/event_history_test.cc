// What operators are told of a single event.
#include "server/broker/event_history.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/event_identity.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"
#include "tests/unit/broker/ask.h"

namespace eventbus {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EventHistoryTest : public testing::Test {
 protected:
  EventHistoryTest() { bus.AddInstance(); }

  absl::StatusOr<EventView> Get(const EventQuery& query, size_t instance = 0) {
    return Ask<EventView>(
        bus, [&](Broker& broker, auto done) { broker.event_history().Get(query, std::move(done)); },
        instance);
  }
  // Of the group "work", as an instance tells it of an event of "job".
  GroupEventState StateOf(const Position& event, size_t instance = 0) {
    const auto view = Get(EventPlace{"job", event}, instance);
    EXPECT_TRUE(view.ok()) << view.status();
    if (!view.ok() || view->groups.size() != 1) return {};
    EXPECT_EQ(view->groups[0].first, "work");
    return view->groups[0].second;
  }
  EventProgress ProgressOf(const Position& event, size_t instance = 0) {
    return StateOf(event, instance).progress;
  }
  RecordingSink& Work(OpenRequest request = {}, size_t instance = 0) {
    request.group = "work";
    request.patterns = {"job"};
    return bus.Open(request, instance);
  }
  Position Publish(const std::string& id) {
    const auto position = bus.Publish("job", id);
    EXPECT_TRUE(position.ok()) << position.status();
    bus.Run();
    return position.value_or(Position());
  }

  TestBus bus;
};

TEST_F(EventHistoryTest, AnEventIsFoundWhereItIs) {
  const Position position = Publish("1");
  const auto view = Get(EventPlace{"job", position});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->event.stream, "job");
  EXPECT_EQ(view->event.position, position);
  EXPECT_EQ(IdentityOf(view->event.frame.view()).id, "1");
  EXPECT_EQ(view->further_matches, 0U);
  EXPECT_THAT(view->groups, IsEmpty());
}

TEST_F(EventHistoryTest, WhatIsNotThereIsNotFound) {
  Position position = Publish("1");
  ++position.index;
  EXPECT_EQ(ReasonOf(Get(EventPlace{"job", position}).status()), Reason::kStreamNotFound);
  EXPECT_EQ(ReasonOf(Get(EventPlace{"job", Position{{1, 2}, 0}}).status()),
            Reason::kStreamNotFound);
  EXPECT_EQ(ReasonOf(Get(EventPlace{"mail", position}).status()), Reason::kStreamNotFound);
  EXPECT_EQ(ReasonOf(Get(EventName{"job", "2"}).status()), Reason::kStreamNotFound);
  EXPECT_EQ(ReasonOf(Get(EventName{"mail", "1"}).status()), Reason::kStreamNotFound);
}

TEST_F(EventHistoryTest, TheLastOneOfItsNameIsFound) {
  Publish("1");
  bus.Run(absl::Seconds(1));
  const absl::Time between = bus.world().Now();
  bus.Run(absl::Seconds(1));
  const Position last = Publish("1");
  Publish("2");
  const auto view = Get(EventName{"job", "1"});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->event.position, last);
  EXPECT_EQ(view->further_matches, 1U);

  const auto earlier = Get(EventName{.type = "job", .id = "1", .until = between});
  ASSERT_TRUE(earlier.ok()) << earlier.status();
  EXPECT_LT(earlier->event.position, last);
  EXPECT_EQ(earlier->further_matches, 0U);

  EXPECT_FALSE(Get(EventName{.type = "job", .id = "2", .until = between}).ok());
  EXPECT_TRUE(Get(EventName{.type = "job", .id = "2", .since = between}).ok());
  EXPECT_FALSE(Get(EventName{.type = "job", .id = "1", .source = "/elsewhere"}).ok());
}

TEST_F(EventHistoryTest, AnEventGoesFromWaitingToAcked) {
  OpenRequest request;
  request.flow.max_in_flight = 1;
  RecordingSink& sink = Work(request);
  const Position first = Publish("1");
  const Position second = Publish("2");

  const GroupEventState held = StateOf(first);
  EXPECT_EQ(held.progress, EventProgress::kInFlight);
  EXPECT_EQ(held.attempt, 1U);
  EXPECT_EQ(held.times_delivered, 1U);
  EXPECT_EQ(held.instance_id, "instance-0");
  EXPECT_THAT(held.subscription_id, HasSubstr("instance-0/"));
  EXPECT_GT(held.due.value_or(absl::InfinitePast()), bus.world().Now());
  EXPECT_EQ(ProgressOf(second), EventProgress::kWaiting);

  // Another instance knows who has it, and no more.
  const GroupEventState seen = StateOf(first, 1);
  EXPECT_EQ(seen.progress, EventProgress::kInFlight);
  EXPECT_EQ(seen.instance_id, "instance-0");
  EXPECT_EQ(seen.subscription_id, "");
  EXPECT_EQ(ProgressOf(second, 1), EventProgress::kWaiting);

  bus.AckAll(sink);
  bus.Run(absl::Seconds(1));
  for (const size_t instance : {0U, 1U}) {
    EXPECT_EQ(ProgressOf(first, instance), EventProgress::kAcked);
    EXPECT_EQ(ProgressOf(second, instance), EventProgress::kInFlight);
  }
}

TEST_F(EventHistoryTest, WhatAGroupsFilterLeavesOutIsFilteredOut) {
  OpenRequest request;
  request.policy.filter = AttributeFilter{{{"id", AttributeCondition::Match::kPrefix, "wanted"}}};
  RecordingSink& sink = Work(request);
  const Position other = Publish("other");
  const Position wanted = Publish("wanted");
  EXPECT_EQ(ProgressOf(wanted), EventProgress::kInFlight);
  bus.AckAll(sink);
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(ProgressOf(wanted), EventProgress::kAcked);
  EXPECT_EQ(ProgressOf(other), EventProgress::kFilteredOut);
}

TEST_F(EventHistoryTest, WhatFailedIsRetrying) {
  OpenRequest request;
  request.policy.retry_delay = absl::Minutes(5);
  request.policy.max_retry_delay = absl::Minutes(5);
  request.policy.retry_jitter = 0.0;
  RecordingSink& sink = Work(request);
  const Position event = Publish("1");
  bus.Settle(sink, {.nacks = {{{{1, 1}}, {}, "tired"}}});
  bus.Run(absl::Seconds(3));
  for (const size_t instance : {0U, 1U}) {
    const GroupEventState state = StateOf(event, instance);
    EXPECT_EQ(state.progress, EventProgress::kRetrying) << instance;
    EXPECT_EQ(state.attempt, 1U);
    EXPECT_EQ(state.last_reason, "tired");
    EXPECT_EQ(state.instance_id, "instance-0");
    ASSERT_TRUE(state.due.has_value());
    EXPECT_GT(*state.due, bus.world().Now() + absl::Minutes(4));
  }
}

TEST_F(EventHistoryTest, WhatWasGivenUpIsADeadLetter) {
  RecordingSink& sink = Work();
  const Position event = Publish("1");
  bus.Settle(sink, {.rejects = {{{{1, 1}}, "broken"}}});
  bus.Run(absl::Seconds(1));
  for (const size_t instance : {0U, 1U}) {
    const GroupEventState state = StateOf(event, instance);
    EXPECT_EQ(state.progress, EventProgress::kDeadLetter) << instance;
    EXPECT_EQ(state.last_reason, "broken");
    EXPECT_EQ(state.attempt, 1U);
  }
}

TEST_F(EventHistoryTest, WhatIsRedrivenIsInFlightAgain) {
  RecordingSink& sink = Work();
  const Position event = Publish("1");
  bus.Settle(sink, {.rejects = {{{{1, 1}}, "broken"}}});
  bus.Run(absl::Seconds(1));
  const auto redriven = Ask<RedriveResult>(bus, [](Broker& broker, auto done) {
    broker.dead_letters().Redrive({.group = "work"}, std::move(done));
  });
  ASSERT_TRUE(redriven.ok()) << redriven.status();
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(ProgressOf(event), EventProgress::kInFlight);
  EXPECT_EQ(ProgressOf(event, 1), EventProgress::kInFlight);
  bus.Settle(sink, {.acks = {{2, 2}}});
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(ProgressOf(event), EventProgress::kAcked);
}

TEST_F(EventHistoryTest, WhatWasBeforeAGroupIsNotItsAffair) {
  const Position before = Publish("1");
  bus.Run(absl::Seconds(1));
  Work();
  EXPECT_EQ(ProgressOf(before), EventProgress::kUnknown);
}

TEST_F(EventHistoryTest, WhatADeadInstanceHadWaits) {
  Work({}, 1);
  // Until the instances know of each other.
  bus.Run(absl::Seconds(5));
  const Position event = Publish("1");
  EXPECT_EQ(ProgressOf(event), EventProgress::kInFlight);
  bus.instance(1).Kill();
  bus.Run(absl::Minutes(1));
  EXPECT_EQ(ProgressOf(event), EventProgress::kWaiting);
}

}  // namespace
}  // namespace eventbus
