#include "server/broker/stall_watch.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/group_editor.h"
#include "tests/support/test_bus.h"
#include "tests/unit/broker/ask.h"

namespace eventbus {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class StallWatchTest : public testing::Test {
 protected:
  // +1: it has stalled; -1: it goes on; 0: nothing new.
  int Look(int second, bool could, int progress) {
    const auto change =
        watch.Look(absl::Seconds(second), could, absl::Seconds(progress), kPatience);
    if (!change.has_value()) return 0;
    lasted = change->lasted;
    EXPECT_EQ(watch.stalled(), change->stalled);
    return change->stalled ? 1 : -1;
  }
  StallWatch watch;
  absl::Duration lasted;
};

TEST_F(StallWatchTest, WhatCouldAndDoesNotHasStalledWhenPatienceEndsAndIsToldOnce) {
  EXPECT_EQ(Look(100, true, 0), 0);
  EXPECT_EQ(Look(159, true, 0), 0);
  EXPECT_EQ(Look(160, true, 0), 1);
  EXPECT_EQ(lasted, absl::Seconds(60));
  EXPECT_EQ(Look(300, true, 0), 0);
}

TEST_F(StallWatchTest, WhatWasIdleForLongHasNotStalledWhenWorkComes) {
  EXPECT_EQ(Look(100, false, 0), 0);
  EXPECT_EQ(Look(1'000, true, 0), 0);
  EXPECT_EQ(Look(1'059, true, 0), 0);
  EXPECT_EQ(Look(1'060, true, 0), 1);
}

TEST_F(StallWatchTest, ProgressBeginsANewWait) {
  EXPECT_EQ(Look(100, true, 0), 0);
  EXPECT_EQ(Look(150, true, 120), 0);
  EXPECT_EQ(Look(200, true, 120), 0);
  EXPECT_EQ(Look(210, true, 120), 1);
}

TEST_F(StallWatchTest, ItGoesOnWhenSomethingWasDone) {
  Look(100, true, 0);
  ASSERT_EQ(Look(160, true, 0), 1);
  EXPECT_EQ(Look(170, true, 165), -1);
  EXPECT_EQ(lasted, absl::Seconds(70));
  EXPECT_EQ(Look(229, true, 165), 0);
  EXPECT_EQ(Look(230, true, 165), 1);
}

TEST_F(StallWatchTest, ItGoesOnWhenThereIsNothingToDoOrSomethingInItsWay) {
  Look(100, true, 0);
  ASSERT_EQ(Look(160, true, 0), 1);
  EXPECT_EQ(Look(170, false, 0), -1);
  EXPECT_EQ(Look(180, false, 0), 0);
  EXPECT_EQ(Look(190, true, 0), 0);
  EXPECT_EQ(Look(250, true, 0), 1);
}

// ---- Groups ----

class StallEvents : public BrokerEvents {
 public:
  void OnStalled(absl::string_view group, absl::string_view stream, uint64_t waiting,
                 absl::Duration /*since*/, absl::string_view why) override {
    told.push_back(absl::StrCat(group, " ", stream, " ", waiting));
    reason = std::string(why);
  }
  void OnStallEnded(absl::string_view group, absl::string_view stream,
                    absl::Duration /*lasted*/) override {
    told.push_back(absl::StrCat(group, " ", stream, " goes on"));
  }
  std::vector<std::string> told;
  std::string reason;
};

class StalledGroupTest : public testing::Test {
 protected:
  explicit StalledGroupTest(BrokerOptions options = {}) : bus(std::move(options), &events) {}
  uint64_t Stalled() { return bus.instance().broker().Counts().stalled_groups; }
  void ReadsFail(bool fail) {
    bus.instance().store().SetRates(StoreCall::kReadGroup, {.not_done = fail ? 1.0 : 0.0});
  }

  StallEvents events;
  TestBus bus;
};

TEST_F(StalledGroupTest, WhoseReadsFailIsReportedOnceAndWhenItGoesOn) {
  RecordingSink& sink = bus.Join("work", {"job"});
  ReadsFail(true);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Seconds(50));
  EXPECT_EQ(Stalled(), 0U);
  bus.Run(absl::Seconds(30));
  EXPECT_EQ(Stalled(), 1U);
  bus.Run(absl::Minutes(5));
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1"));
  ReadsFail(false);
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(sink.received, testing::SizeIs(1));
  EXPECT_EQ(Stalled(), 0U);
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1", "work job goes on"));
}

TEST_F(StalledGroupTest, ItsStallEndsWithItsLastSubscriber) {
  RecordingSink& sink = bus.Join("work", {"job"});
  ReadsFail(true);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Minutes(2));
  ASSERT_EQ(Stalled(), 1U);
  bus.Close(sink);
  EXPECT_EQ(Stalled(), 0U);
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1", "work job goes on"));
}

// What it cannot give back keeps the group here.
TEST_F(StalledGroupTest, ItsStallEndsWithItsLastSubscriberAlsoIfItHoldsEvents) {
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ReadsFail(true);
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  bus.Run(absl::Seconds(20));
  bus.Settle(sink, {.extensions = {{{{1, 1}}, absl::Hours(1)}}});
  bus.Run(absl::Minutes(2));
  ASSERT_EQ(Stalled(), 1U);
  bus.instance().store().SetRates(StoreCall::kRelease, {.not_done = 1});
  bus.Close(sink);
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(Stalled(), 0U);
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1", "work job goes on"));
}

TEST_F(StalledGroupTest, ItsStallEndsWithTheStream) {
  bus.Join("work", {"job"});
  ReadsFail(true);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Minutes(2));
  ASSERT_EQ(Stalled(), 1U);
  ASSERT_TRUE(Ask<KnownGroup>(bus, [](Broker& broker, auto done) {
                UpdateGroupCommand command;
                command.name = "work";
                command.patterns = {"other"};
                broker.group_editor().Update(command, std::move(done));
              }).ok());
  bus.Run();
  EXPECT_EQ(Stalled(), 0U);
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1", "work job goes on"));
}

// As long as the store does not say how much is unread, nothing is known of a stall.
TEST_F(StalledGroupTest, NothingIsSaidByWhatWasUnreadBefore) {
  bus.Join("work", {"job"});
  ReadsFail(true);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Seconds(30));
  bus.instance().store().SetRates(StoreCall::kGetGroupInfo, {.not_done = 1});
  bus.Run(absl::Minutes(2));
  EXPECT_THAT(events.told, testing::IsEmpty());
  bus.instance().store().SetRates(StoreCall::kGetGroupInfo, {});
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1"));
}

TEST_F(StalledGroupTest, WithoutRoomOrSubscribersOrWhilePausedNoneIsStalled) {
  OpenRequest request;
  request.group = "full";
  request.patterns = {"job"};
  request.flow.max_in_flight = 1;
  request.policy.ack_deadline = absl::Hours(1);
  bus.Open(request);
  RecordingSink& gone = bus.Join("gone", {"job"});
  bus.Close(gone);
  for (const char* id : {"1", "2", "3"}) ASSERT_TRUE(bus.Publish("job", id).ok());
  bus.Run(absl::Minutes(10));
  EXPECT_THAT(events.told, testing::IsEmpty());
}

TEST_F(StalledGroupTest, ASlowHandlerOfAnOrderedGroupIsNoStall) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.policy.ordered = true;
  request.policy.ack_deadline = absl::Hours(1);
  RecordingSink& sink = bus.Open(request);
  for (const char* id : {"key/1", "key/2", "key/3"}) ASSERT_TRUE(bus.Publish("job", id).ok());
  bus.Run(absl::Minutes(10));
  EXPECT_THAT(sink.received, testing::SizeIs(1));
  EXPECT_THAT(events.told, testing::IsEmpty());
}

class FullOfRetriesTest : public StalledGroupTest {
 protected:
  static BrokerOptions FewRetries() {
    BrokerOptions options;
    options.max_waiting_events = 2;
    return options;
  }
  FullOfRetriesTest() : StalledGroupTest(FewRetries()) {}
};

TEST_F(FullOfRetriesTest, TheReasonIsNamed) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.policy.retry_delay = absl::Hours(1);
  request.policy.max_retry_delay = absl::Hours(1);
  RecordingSink& sink = bus.Open(request);
  for (const char* id : {"1", "2"}) ASSERT_TRUE(bus.Publish("job", id).ok());
  bus.Settle(sink, {.nacks = {{{{1, 2}}, {}, ""}}});
  ASSERT_TRUE(bus.Publish("job", "3").ok());
  bus.Run(absl::Minutes(2));
  EXPECT_THAT(sink.received, testing::SizeIs(2));
  EXPECT_THAT(events.told, testing::ElementsAre("work job 1"));
  EXPECT_THAT(events.reason, testing::HasSubstr("limits.max_retrying"));
}

}  // namespace
}  // namespace eventbus
