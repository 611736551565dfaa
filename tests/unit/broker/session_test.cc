// Sessions: members that outlive a broken call.
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionTest : public testing::Test {
 protected:
  static OpenRequest Request(std::string token = "") {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    request.session = true;
    request.resume_token = std::move(token);
    return request;
  }
  RecordingSink& Resume(const RecordingSink& before, std::optional<uint64_t> last = std::nullopt,
                        size_t instance = 0) {
    OpenRequest request = Request(before.opened->session_token);
    request.last_delivery = last;
    return bus.Open(std::move(request), instance);
  }
  void Publish(const std::string& id) { ASSERT_TRUE(bus.Publish("job", id).ok()); }
  // What another member of the group has got by now.
  std::vector<std::string> Others() {
    bus.Run(absl::Milliseconds(100));
    return other->ids();
  }

  TestBus bus;
  RecordingSink* other = nullptr;
};

TEST_F(SessionTest, WhatItHoldsIsStillItsOwnAfterTheCallBroke) {
  RecordingSink& before = bus.Open(Request());
  ASSERT_FALSE(before.opened->session_token.empty());
  EXPECT_FALSE(before.opened->resumed);
  Publish("1");
  Publish("2");
  bus.Close(before, CallEnd::kBroken);
  other = &bus.Join("work", {});
  Publish("3");
  EXPECT_THAT(Others(), ElementsAre("3"));
  RecordingSink& after = Resume(before);
  EXPECT_TRUE(after.opened->resumed);
  EXPECT_EQ(after.opened->session_token, before.opened->session_token);
  bus.Settle(after, {.acks = {{1, 2}}, .confirm = 7});
  ASSERT_THAT(after.settled, SizeIs(1));
  EXPECT_THAT(after.settled[0].done, ElementsAre(DeliveryRange{1, 2}));
  bus.Close(*other);
  Publish("4");
  EXPECT_THAT(after.ids(), ElementsAre("3", "4"));
  EXPECT_EQ(after.received[0].delivery, 3U);
}

TEST_F(SessionTest, WhatDidNotComeComesAnewUnderTheSameNumbers) {
  RecordingSink& before = bus.Open(Request());
  for (const char* id : {"1", "2", "3"}) Publish(id);
  bus.Close(before, CallEnd::kBroken);
  RecordingSink& after = Resume(before, /*last=*/1);
  EXPECT_THAT(after.ids(), ElementsAre("2", "3"));
  EXPECT_EQ(after.received[0].delivery, 2U);
  EXPECT_EQ(after.received[0].attempt, 1U);
  bus.Settle(after, {.acks = {{1, 3}}, .confirm = 1});
  EXPECT_THAT(after.settled[0].done, ElementsAre(DeliveryRange{1, 3}));
}

TEST_F(SessionTest, WithoutACallItGetsNothingMore) {
  RecordingSink& before = bus.Open(Request());
  bus.Close(before, CallEnd::kBroken);
  Publish("1");
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(before.ids(), IsEmpty());
  EXPECT_THAT(Resume(before).ids(), ElementsAre("1"));
}

TEST_F(SessionTest, AfterTheWindowOthersGetWhatItHeldAtNoCost) {
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  other = &bus.Join("work", {});
  bus.Close(before, CallEnd::kBroken);
  bus.Run(absl::Milliseconds(9'800));
  EXPECT_THAT(Others(), IsEmpty());
  bus.Run(absl::Milliseconds(300));
  EXPECT_THAT(Others(), ElementsAre("1"));
  EXPECT_EQ(other->received[0].attempt, 1U);
  EXPECT_FALSE(Resume(before).opened->resumed);
}

TEST_F(SessionTest, NoDeadlinePassesWhileItIsAway) {
  OpenRequest request = Request();
  request.policy.ack_deadline = absl::Seconds(1);
  RecordingSink& before = bus.Open(std::move(request));
  Publish("1");
  bus.Close(before, CallEnd::kSilent);
  bus.Run(absl::Seconds(8));
  RecordingSink& after = Resume(before);
  bus.Settle(after, {.acks = {{1, 1}}, .confirm = 1});
  EXPECT_THAT(after.settled[0].done, ElementsAre(DeliveryRange{1, 1}));
  EXPECT_THAT(after.lost, IsEmpty());
}

TEST_F(SessionTest, WhoEndsInPeaceHasNoneAnyMore) {
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  bus.Close(before, CallEnd::kInPeace);
  other = &bus.Join("work", {});
  EXPECT_THAT(Others(), ElementsAre("1"));
  EXPECT_FALSE(Resume(before).opened->resumed);
}

TEST_F(SessionTest, ANewCallTakesItFromOneThatIsStillThere) {
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  RecordingSink& after = Resume(before);
  ASSERT_TRUE(before.closed.has_value());
  EXPECT_EQ(before.closed->code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(*before.closed), Reason::kSessionResumed);
  // It is over for that one, whatever becomes of its call.
  bus.Close(before, CallEnd::kBroken);
  bus.Run(absl::Seconds(20));
  Publish("2");
  EXPECT_THAT(after.ids(), ElementsAre("2"));
  EXPECT_FALSE(after.closed.has_value());
}

TEST_F(SessionTest, ItCanBeResumedMoreThanOnce) {
  RecordingSink& first = bus.Open(Request());
  Publish("1");
  bus.Close(first, CallEnd::kBroken);
  RecordingSink& second = Resume(first);
  bus.Close(second, CallEnd::kBroken);
  RecordingSink& third = Resume(first);
  EXPECT_TRUE(third.opened->resumed);
  bus.Settle(third, {.acks = {{1, 1}}, .confirm = 1});
  EXPECT_THAT(third.settled[0].done, ElementsAre(DeliveryRange{1, 1}));
}

TEST_F(SessionTest, AnotherInstanceBeginsANewOne) {
  const size_t instance = bus.AddInstance();
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  bus.Close(before, CallEnd::kBroken);
  RecordingSink& after = Resume(before, std::nullopt, instance);
  EXPECT_FALSE(after.opened->resumed);
  EXPECT_NE(after.opened->session_token, before.opened->session_token);
  EXPECT_THAT(after.ids(), IsEmpty());
  bus.Run(absl::Seconds(12));
  EXPECT_THAT(after.ids(), ElementsAre("1"));
}

TEST_F(SessionTest, WhatWasNeverSentCannotHaveCome) {
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  bus.Close(before, CallEnd::kBroken);
  RecordingSink& wrong = Resume(before, /*last=*/2);
  ASSERT_TRUE(wrong.closed.has_value());
  EXPECT_EQ(wrong.closed->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(*wrong.closed), "open.session.last_delivery");
  EXPECT_TRUE(Resume(before, /*last=*/1).opened->resumed);
}

TEST_F(SessionTest, ItIsOfItsGroup) {
  RecordingSink& before = bus.Open(Request());
  OpenRequest request = Request(before.opened->session_token);
  request.group = "other";
  RecordingSink& wrong = bus.Open(std::move(request));
  ASSERT_TRUE(wrong.closed.has_value());
  EXPECT_EQ(wrong.closed->code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SessionTest, WhatWasTakenAwayMeanwhileIsTold) {
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  bus.Close(before, CallEnd::kBroken);
  bus.instance().process().Freeze();
  bus.Run(absl::Seconds(3));
  bus.instance().process().Thaw();
  SeekGroupCommand seek;
  seek.name = "work";
  seek.target = StartLatest{};
  bus.instance().process().Post(
      [&] { bus.instance().broker().group_editor().Seek(std::move(seek), [](const auto&) {}); });
  bus.Run(absl::Seconds(1));
  RecordingSink& after = Resume(before);
  EXPECT_TRUE(after.opened->resumed);
  EXPECT_THAT(after.lost, ElementsAre(DeliveryRange{1, 1}));
}

TEST_F(SessionTest, ADrainDoesNotWaitForIt) {
  RecordingSink& before = bus.Open(Request());
  Publish("1");
  bus.Close(before, CallEnd::kBroken);
  bool drained = false;
  bus.instance().process().Post([&] {
    bus.instance().broker().Drain(bus.instance().process().WallNow() + absl::Minutes(1),
                                  [&drained] { drained = true; });
  });
  bus.Run(absl::Seconds(2));
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace eventbus
