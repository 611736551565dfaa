// Leases for callers that hold no stream.
#include "server/broker/pulls.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Kind = SettleAction::Kind;

// One call of Pull, as its caller saw it.
struct Call {
  PullId id = 0;
  size_t instance = 0;
  std::optional<absl::Status> status;
  // What came, as a subscriber would have seen it.
  RecordingSink events;
  absl::Time lease_deadline;

  bool answered() const { return status.has_value(); }
  std::vector<std::string> ids() const { return events.ids(); }
  const std::vector<DeliveryToken>& tokens() const { return events.tokens; }
};

struct Wish {
  uint32_t max_events = 100;
  uint64_t max_bytes = uint64_t{3} << 20;
  absl::Duration wait;
  std::string attempt_id;
  GroupPolicyChange policy;
};

class PullsTest : public testing::Test {
 protected:
  explicit PullsTest(const BrokerOptions& options = {}) : bus(options) {}

  // Lets everything happen that is due soon: what is there has come then.
  Call& Pull(Wish wish = {}, size_t instance = 0) {
    auto owned = std::make_shared<Call>();
    calls_.push_back(owned);
    Call& call = *owned;
    call.instance = instance;
    TestInstance& asked = bus.instance(instance);
    asked.process().Post([owned, &asked, wish = std::move(wish)] {
      PullCommand command;
      command.open.group = "work";
      command.open.patterns = {"job"};
      command.open.policy = wish.policy;
      command.open.flow = {wish.max_events, wish.max_bytes};
      command.wait = wish.wait;
      command.attempt_id = wish.attempt_id;
      command.done = [owned](absl::StatusOr<Pulled> pulled) {
        owned->status = pulled.status();
        if (!pulled.ok()) return;
        owned->lease_deadline = pulled->lease_deadline;
        owned->events.opened.emplace().group = pulled->group;
        owned->events.OnDeliveries(pulled->runs);
      };
      owned->id = asked.broker().pulls().Pull(std::move(command));
    });
    bus.Run(absl::Milliseconds(50));
    return call;
  }
  void Cancel(const Call& call) {
    TestInstance& asked = bus.instance(call.instance);
    asked.process().Post([&asked, id = call.id] { asked.broker().pulls().Cancel(id); });
    bus.Run();
  }
  void Publish(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(bus.Publish("job", std::to_string(next_++)).ok());
    }
  }
  void Ack(const Call& call) {
    EXPECT_EQ(bus.SettleTokens({}, call.tokens(), call.instance).done, call.tokens().size());
  }
  size_t Leases(size_t instance = 0) { return bus.instance(instance).broker().pulls().size(); }
  uint64_t Members(size_t instance = 0) {
    return bus.instance(instance).broker().Counts().group_subscribers;
  }

  TestBus bus;
  int next_ = 1;

 private:
  std::vector<std::shared_ptr<Call>> calls_;
};

// The group is there from now on.
class PullsOfAGroupTest : public PullsTest {
 protected:
  PullsOfAGroupTest() { EXPECT_THAT(Pull().ids(), IsEmpty()); }
};

TEST_F(PullsTest, TheFirstPullCreatesTheGroupAndAnswersWithNothing) {
  Publish(1);
  const Call& call = Pull();
  ASSERT_TRUE(call.answered());
  EXPECT_TRUE(call.status->ok());
  EXPECT_THAT(call.ids(), IsEmpty());
  EXPECT_EQ(Leases(), 0U);
  Publish(1);
  EXPECT_THAT(Pull().ids(), ElementsAre("2"));
}

TEST_F(PullsOfAGroupTest, WhatIsThereComesAtOnceAndNoMoreThanAskedFor) {
  Publish(40);
  EXPECT_THAT(Pull({.max_events = 3}).ids(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(Pull().ids(), SizeIs(37));
  EXPECT_THAT(Pull().ids(), IsEmpty());
}

TEST_F(PullsOfAGroupTest, BytesAreBoundedButOneEventAlwaysComes) {
  Publish(3);
  EXPECT_THAT(Pull({.max_bytes = 1}).ids(), ElementsAre("1"));
  EXPECT_THAT(Pull({.max_bytes = 30}).ids(), ElementsAre("2", "3"));
}

TEST_F(PullsOfAGroupTest, AnEventThatComesInTimeIsNotWaitedBeyond) {
  const Call& call = Pull({.wait = absl::Minutes(1)});
  bus.Run(absl::Seconds(10));
  EXPECT_FALSE(call.answered());
  Publish(1);
  EXPECT_THAT(call.ids(), ElementsAre("1"));
  EXPECT_EQ(call.events.received[0].attempt, 1U);
  EXPECT_NEAR(absl::ToDoubleSeconds(call.lease_deadline - bus.world().Now()), 30, 0.1);
}

TEST_F(PullsOfAGroupTest, WhenTheWaitIsOverTheAnswerIsEmptyAndNothingIsLeft) {
  const Call& call = Pull({.wait = absl::Seconds(10)});
  bus.Run(absl::Seconds(9));
  EXPECT_FALSE(call.answered());
  bus.Run(absl::Seconds(1));
  ASSERT_TRUE(call.answered());
  EXPECT_TRUE(call.status->ok());
  EXPECT_EQ(Leases(), 0U);
  EXPECT_EQ(Members(), 0U);
}

TEST_F(PullsOfAGroupTest, ALeaseEndsWhenAllOfItIsSettled) {
  Publish(2);
  const Call& call = Pull();
  ASSERT_THAT(call.ids(), ElementsAre("1", "2"));
  EXPECT_EQ(Leases(), 1U);
  EXPECT_EQ(bus.SettleTokens({}, {call.tokens()[0]}).done, 1U);
  EXPECT_EQ(Leases(), 1U);
  EXPECT_EQ(bus.SettleTokens({}, {call.tokens()[1]}).done, 1U);
  EXPECT_EQ(Leases(), 0U);
  EXPECT_EQ(Members(), 0U);
  EXPECT_THAT(bus.Join("work", {}).ids(), IsEmpty());
}

TEST_F(PullsOfAGroupTest, ALeaseThatIsNotSettledEndsAtItsDeadlineAndHasCostAnAttempt) {
  Publish(1);
  const Call& first = Pull();
  bus.Run(absl::Seconds(29));
  EXPECT_THAT(Pull().ids(), IsEmpty());
  bus.Run(absl::Seconds(3));
  EXPECT_EQ(Leases(), 0U);
  const Call& second = Pull();
  ASSERT_THAT(second.ids(), ElementsAre("1"));
  EXPECT_EQ(second.events.received[0].attempt, 2U);
  EXPECT_THAT(second.events.received[0].last_reason, testing::HasSubstr("ack deadline"));
  EXPECT_EQ(bus.SettleTokens({.kind = Kind::kNack}, first.tokens()).done, 0U);
  Ack(second);
}

TEST_F(PullsOfAGroupTest, ANackedEventComesToALaterPull) {
  Publish(1);
  const Call& first = Pull();
  SettleAction nack = {.kind = Kind::kNack, .duration = absl::Seconds(5), .reason = "busy"};
  EXPECT_EQ(bus.SettleTokens(nack, first.tokens()).done, 1U);
  EXPECT_EQ(Leases(), 0U);
  EXPECT_THAT(Pull().ids(), IsEmpty());
  const Call& second = Pull({.wait = absl::Seconds(20)});
  bus.Run(absl::Seconds(6));
  ASSERT_THAT(second.ids(), ElementsAre("1"));
  EXPECT_EQ(second.events.received[0].attempt, 2U);
  EXPECT_EQ(second.events.received[0].last_reason, "busy");
}

TEST_F(PullsOfAGroupTest, AnExtendedLeaseLastsLonger) {
  Publish(1);
  const Call& call = Pull();
  SettleAction extend = {.kind = Kind::kExtend, .duration = absl::Minutes(2), .reason = ""};
  EXPECT_EQ(bus.SettleTokens(extend, call.tokens()).done, 1U);
  bus.Run(absl::Seconds(110));
  EXPECT_EQ(Leases(), 1U);
  Ack(call);
  EXPECT_EQ(Leases(), 0U);
}

TEST_F(PullsOfAGroupTest, AReleasedEventComesToAPullThatWaits) {
  Publish(1);
  const Call& first = Pull();
  const Call& second = Pull({.wait = absl::Minutes(1)});
  EXPECT_FALSE(second.answered());
  EXPECT_EQ(bus.SettleTokens({.kind = Kind::kRelease}, first.tokens()).done, 1U);
  ASSERT_THAT(second.ids(), ElementsAre("1"));
  EXPECT_EQ(second.events.received[0].attempt, 1U);
}

TEST_F(PullsOfAGroupTest, ALeaseTakesNoMoreOnceItHasRoomAgain) {
  Publish(2);
  const Call& call = Pull({.max_events = 1});
  ASSERT_THAT(call.ids(), ElementsAre("1"));
  Ack(call);
  EXPECT_THAT(call.ids(), ElementsAre("1"));
  EXPECT_THAT(Pull().ids(), ElementsAre("2"));
}

TEST_F(PullsOfAGroupTest, ARetryIsForAllInstancesWhileTheLeaseGoesOn) {
  const size_t other = bus.AddInstance();
  Publish(2);
  const Call& call = Pull();
  SettleAction nack = {.kind = Kind::kNack, .duration = absl::Seconds(1), .reason = ""};
  EXPECT_EQ(bus.SettleTokens(nack, {call.tokens()[0]}).done, 1U);
  RecordingSink& sink = bus.Join("work", {}, other);
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(sink.ids(), ElementsAre("1"));
  EXPECT_EQ(sink.received[0].attempt, 2U);
  EXPECT_EQ(bus.SettleTokens({}, {call.tokens()[1]}).done, 1U);
}

TEST_F(PullsOfAGroupTest, ASubscriberBesideALeaseGetsTheRest) {
  Publish(3);
  const Call& call = Pull({.max_events = 1});
  RecordingSink& sink = bus.Join("work", {});
  EXPECT_THAT(sink.ids(), ElementsAre("2", "3"));
  Publish(1);
  EXPECT_THAT(sink.ids(), ElementsAre("2", "3", "4"));
  Ack(call);
}

TEST_F(PullsOfAGroupTest, WhatAnotherInstanceHasJustStoredIsFound) {
  Publish(1);
  EXPECT_THAT(Pull().ids(), ElementsAre("1"));
  const size_t other = bus.AddInstance();
  EXPECT_THAT(Pull({}, other).ids(), IsEmpty());
  Publish(1);
  EXPECT_THAT(Pull({}, other).ids(), ElementsAre("2"));
}

// ---- Callers that go away ----

TEST_F(PullsOfAGroupTest, ACallerThatGoesAwayWhileItWaitsHoldsNothing) {
  const Call& call = Pull({.wait = absl::Minutes(1)});
  Cancel(call);
  ASSERT_TRUE(call.answered());
  EXPECT_EQ(call.status->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Leases(), 0U);
  EXPECT_EQ(Members(), 0U);
  Publish(1);
  EXPECT_THAT(Pull().ids(), ElementsAre("1"));
}

TEST_F(PullsOfAGroupTest, WhatWasLeasedToACallerThatIsGoneIsGivenBackAtOnce) {
  Publish(1);
  const Call& gone = Pull();
  ASSERT_THAT(gone.ids(), ElementsAre("1"));
  Cancel(gone);
  EXPECT_EQ(Leases(), 0U);
  const Call& next = Pull();
  ASSERT_THAT(next.ids(), ElementsAre("1"));
  EXPECT_EQ(next.events.received[0].attempt, 1U);
}

TEST_F(PullsOfAGroupTest, WithAnAttemptIdTheLeaseIsKeptForTheCallersReturn) {
  Publish(1);
  const Call& gone = Pull({.attempt_id = "a"});
  Cancel(gone);
  EXPECT_THAT(Pull().ids(), IsEmpty());
  const Call& again = Pull({.attempt_id = "a"});
  EXPECT_THAT(again.ids(), ElementsAre("1"));
  Ack(again);
  EXPECT_EQ(Leases(), 0U);
}

// ---- Attempt ids ----

TEST_F(PullsOfAGroupTest, ARepeatedPullReturnsTheSameLease) {
  Publish(2);
  const Call& first = Pull({.attempt_id = "a"});
  Publish(1);
  bus.Run(absl::Seconds(10));
  const Call& second = Pull({.attempt_id = "a"});
  EXPECT_THAT(second.ids(), ElementsAre("1", "2"));
  EXPECT_EQ(second.tokens(), first.tokens());
  EXPECT_EQ(second.lease_deadline, first.lease_deadline);
  // Another attempt is another lease.
  EXPECT_THAT(Pull({.attempt_id = "b"}).ids(), ElementsAre("3"));
}

TEST_F(PullsOfAGroupTest, AfterTheLeaseTheAttemptIdMeansNothing) {
  Publish(1);
  Ack(Pull({.attempt_id = "a"}));
  Publish(1);
  EXPECT_THAT(Pull({.attempt_id = "a"}).ids(), ElementsAre("2"));
}

TEST_F(PullsOfAGroupTest, TwoCallsOfOneAttemptWaitTogether) {
  const Call& one = Pull({.wait = absl::Minutes(1), .attempt_id = "a"});
  const Call& two = Pull({.wait = absl::Minutes(1), .attempt_id = "a"});
  EXPECT_EQ(Leases(), 1U);
  Publish(1);
  EXPECT_THAT(one.ids(), ElementsAre("1"));
  EXPECT_THAT(two.ids(), ElementsAre("1"));
  EXPECT_EQ(one.tokens(), two.tokens());
}

TEST_F(PullsOfAGroupTest, OneOfTwoCallsOfAnAttemptMayGoAway) {
  const Call& one = Pull({.wait = absl::Seconds(10), .attempt_id = "a"});
  const Call& two = Pull({.wait = absl::Minutes(1), .attempt_id = "a"});
  Cancel(two);
  EXPECT_FALSE(one.answered());
  const Call& three = Pull({.wait = absl::Minutes(1), .attempt_id = "a"});
  bus.Run(absl::Seconds(10));
  EXPECT_TRUE(one.answered());
  EXPECT_THAT(one.ids(), IsEmpty());
  EXPECT_FALSE(three.answered());
  Publish(1);
  EXPECT_THAT(three.ids(), ElementsAre("1"));
}

// ---- Trouble ----

BrokerOptions AtMostTwoSubscribers() {
  BrokerOptions options;
  options.max_subscribers = 2;
  return options;
}

class CrowdedPullsTest : public PullsTest {
 protected:
  CrowdedPullsTest() : PullsTest(AtMostTwoSubscribers()) {}
};

TEST_F(CrowdedPullsTest, LeasesAreBoundedByTheNumberOfSubscribers) {
  Pull();
  Publish(2);
  const Call& one = Pull({.max_events = 1});
  const Call& two = Pull({.max_events = 1});
  EXPECT_THAT(two.ids(), ElementsAre("2"));
  EXPECT_EQ(ReasonOf(*Pull().status), Reason::kTooManySubscribers);
  Ack(one);
  EXPECT_TRUE(Pull().status->ok());
}

TEST_F(PullsTest, AGroupThatDoesNotExistAndCannotBeCreatedIsNotFound) {
  auto status = std::make_shared<absl::Status>();
  bus.instance().process().Post([this, status] {
    PullCommand command;
    command.open.group = "nobody";
    command.done = [status](absl::StatusOr<Pulled> pulled) { *status = pulled.status(); };
    bus.instance().broker().pulls().Pull(std::move(command));
  });
  bus.Run(absl::Milliseconds(50));
  EXPECT_EQ(ReasonOf(*status), Reason::kGroupNotFound);
  EXPECT_EQ(Leases(), 0U);
}

TEST_F(PullsOfAGroupTest, ADrainAnswersThoseThatWaitAndLetsLeasesSettle) {
  Publish(1);
  const Call& leased = Pull();
  const Call& waiting = Pull({.wait = absl::Minutes(1)});
  bool drained = false;
  bus.instance().process().Post([&] {
    bus.instance().broker().Drain(bus.world().Now() + absl::Seconds(20), [&] { drained = true; });
  });
  bus.Run();
  ASSERT_TRUE(waiting.answered());
  EXPECT_EQ(ReasonOf(*waiting.status), Reason::kDraining);
  EXPECT_FALSE(drained);
  Ack(leased);
  EXPECT_TRUE(drained);
  EXPECT_EQ(ReasonOf(*Pull().status), Reason::kDraining);
  const size_t other = bus.AddInstance();
  EXPECT_THAT(Pull({}, other).ids(), IsEmpty());
}

TEST_F(PullsOfAGroupTest, AGroupThatCannotBeOpenedInTimeIsUnavailable) {
  Publish(1);
  bus.instance().store().GoDown();
  bus.Run();
  const Call& call = Pull({.wait = absl::Seconds(1)});
  EXPECT_FALSE(call.answered());
  bus.Run(absl::Seconds(4));
  ASSERT_TRUE(call.answered());
  EXPECT_EQ(ReasonOf(*call.status), Reason::kStoreUnavailable);
  EXPECT_EQ(Leases(), 0U);
}

TEST_F(PullsOfAGroupTest, APausedGroupHasNothing) {
  Publish(1);
  bus.instance().process().Post([this] {
    bus.instance().broker().group_editor().Pause("work", absl::InfiniteFuture(),
                                                 [](const absl::StatusOr<KnownGroup>&) {});
  });
  bus.Run();
  const Call& at_once = Pull();
  ASSERT_TRUE(at_once.answered());
  EXPECT_THAT(at_once.ids(), IsEmpty());
  const Call& waiting = Pull({.wait = absl::Minutes(1)});
  bus.instance().process().Post([this] {
    bus.instance().broker().group_editor().Resume("work", [](const absl::StatusOr<KnownGroup>&) {});
  });
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(waiting.ids(), ElementsAre("1"));
}

TEST_F(PullsOfAGroupTest, WhenOthersTakeOverTheLeaseEnds) {
  Publish(1);
  const Call& call = Pull();
  const size_t other = bus.AddInstance();
  bus.instance(0).process().Freeze();
  const Call& heir = Pull({.wait = absl::Minutes(1)}, other);
  bus.Run(absl::Minutes(1));
  EXPECT_THAT(heir.ids(), ElementsAre("1"));
  bus.instance(0).process().Thaw();
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(Leases(0), 0U);
  EXPECT_EQ(Members(0), 0U);
  EXPECT_THAT(call.ids(), ElementsAre("1"));
}

TEST_F(PullsTest, AFilterHolds) {
  GroupPolicyChange policy;
  policy.filter = {{{"id", AttributeCondition::Match::kSuffix, "0"}}};
  Pull({.policy = policy});
  Publish(100);
  EXPECT_THAT(Pull({.max_events = 2}).ids(), ElementsAre("10", "20"));
  EXPECT_THAT(Pull().ids(), SizeIs(8));
}

}  // namespace
}  // namespace eventbus
