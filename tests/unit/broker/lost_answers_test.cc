// Answers of the store that never come: what they would have told is found again in the pending
// list, long before any sweep.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LostAnswersTest : public testing::Test {
 protected:
  static BrokerOptions WithoutSweeps() {
    BrokerOptions options;
    options.sweep_interval = absl::Hours(24);
    return options;
  }
  FaultyStore& store(size_t instance = 0) { return bus.instance(instance).store(); }

  TestBus bus{WithoutSweeps()};
};

TEST_F(LostAnswersTest, WhatAReadHasTakenIsDelivered) {
  RecordingSink& sink = bus.Join("work", {"job"});
  store().FailNext(StoreCall::kReadGroup, StoreFault::kReplyLost);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  EXPECT_THAT(sink.ids(), IsEmpty());
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

TEST_F(LostAnswersTest, WhatAnAppendHasStoredIsDelivered) {
  RecordingSink& sink = bus.Join("work", {"job"});
  RecordingSink& tail = bus.Tail({"job"});
  ASSERT_TRUE(bus.Publish("job", "0").ok());
  // The read leaves right behind the append, and does not wait for its answer.
  store().FailNext(StoreCall::kAppend, StoreFault::kReplyLost);
  EXPECT_FALSE(bus.Publish("job", "1").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("0", "1"));
  EXPECT_THAT(tail.ids(), ElementsAre("0", "1"));
}

TEST_F(LostAnswersTest, WhatAClaimHasTakenIsDelivered) {
  const size_t other = bus.AddInstance();
  RecordingSink& dying = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(dying.ids(), ElementsAre("1"));
  RecordingSink& heir = bus.Join("work", {"job"}, other);
  bus.Run(absl::Seconds(1));
  store(other).FailNext(StoreCall::kClaim, StoreFault::kReplyLost);
  bus.instance(0).Kill();
  bus.Run(absl::Seconds(20));
  EXPECT_THAT(heir.ids(), ElementsAre("1"));
}

TEST_F(LostAnswersTest, WhatTheStoreHandedOutBeforeTheConnectionBrokeIsFoundWhenItIsBack) {
  ASSERT_TRUE(bus.Publish("job", "0").ok());
  RecordingSink& sink = bus.Join("work", {"job"});
  bus.instance().process().Post([this] { store().GoDown(); });
  bus.Run();
  // A read that was sent and is carried out all the same, and the event it is answered with.
  ASSERT_TRUE(bus.store().Append(0, {"job", Bytes::FromString(FramedTestEvent("job", "1"))}).ok());
  const auto read =
      bus.store().ReadGroup({"job", {"work", 1}, sink.opened->instance_id, /*max_entries=*/1});
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->entries.size(), 1U);
  bus.instance().process().Post([this] { store().ComeBack(); });
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
}

TEST_F(LostAnswersTest, ATypeWhoseBirthFailedHereIsKnownWhenItIsBornElsewhere) {
  const size_t other = bus.AddInstance();
  bus.Close(bus.Join("work", {"job"}));
  store().FailNext(StoreCall::kCreateStream, StoreFault::kNotDone);
  ASSERT_FALSE(bus.Publish("job", "0").ok());
  bus.Run(absl::Seconds(1));
  // The other one has heard of the type, and finds no stream.
  store(other).FailNext(StoreCall::kCreateStream, StoreFault::kNotDone);
  std::optional<PublishOutcome> outcome;
  bus.instance(other).process().Post([&] {
    bus.instance(other).broker().Publish(CommandOf(
        {{"job", "1"}}, [&outcome](PublishOutcome done) { outcome.emplace(std::move(done)); }));
  });
  bus.Run(absl::Seconds(1));
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  bus.Run(absl::Seconds(1));
  RecordingSink& sink = bus.Join("work", {"job"}, other);
  ASSERT_TRUE(bus.Publish("job", "3").ok());
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(sink.ids(), ElementsAre("2", "3"));
}

}  // namespace
}  // namespace eventbus
