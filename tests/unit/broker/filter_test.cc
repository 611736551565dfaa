// Groups and tails that want only some events, by their attributes.
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
  void OnFilteredOut(uint64_t events) override { filtered += events; }
  void OnAcked(uint64_t events) override { acked += events; }
  uint64_t filtered = 0;
  uint64_t acked = 0;
};

AttributeFilter IdsThatBeginWith(const std::string& prefix) {
  return {{{"id", AttributeCondition::Match::kPrefix, prefix}}};
}

class FilterTest : public testing::Test {
 protected:
  FilterTest() : bus(BrokerOptions(), &events) {}

  static OpenRequest Wanting(const std::string& prefix) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"job"};
    request.policy.filter = IdsThatBeginWith(prefix);
    return request;
  }
  // What a member that comes anew gets.
  std::vector<std::string> Unsettled(RecordingSink& sink) {
    bus.Close(sink);
    return bus.Join("work", {}).ids();
  }

  CountingEvents events;
  TestBus bus;
};

TEST_F(FilterTest, AGroupGetsWhatMatchesAndTheRestCountsAsSettled) {
  RecordingSink& sink = bus.Open(Wanting("a"));
  for (const char* id : {"a1", "b1", "a2", "b2"}) ASSERT_TRUE(bus.Publish("job", id).ok());
  EXPECT_THAT(sink.ids(), ElementsAre("a1", "a2"));
  EXPECT_EQ(events.filtered, 2U);
  EXPECT_EQ(events.acked, 0U);
  bus.AckAll(sink);
  EXPECT_THAT(Unsettled(sink), IsEmpty());
}

TEST_F(FilterTest, AnEntryThatMatchesInPartGoesOutInPart) {
  bus.WarmUp("job");
  RecordingSink& sink = bus.Open(Wanting("a"));
  // One entry.
  bus.PublishAll({{"job", "b1"}, {"job", "a1"}, {"job", "a2"}, {"job", "b2"}, {"job", "a3"}});
  EXPECT_THAT(sink.ids(), ElementsAre("a1", "a2", "a3"));
  EXPECT_EQ(sink.received[2].position.index, 4U);
  EXPECT_EQ(events.filtered, 2U);
  bus.Settle(sink, {.acks = {{1, 1}, {3, 3}}});
  EXPECT_THAT(Unsettled(sink), ElementsAre("a2"));
}

TEST_F(FilterTest, WhatDoesNotMatchNeedsNoRoom) {
  OpenRequest request = Wanting("a");
  request.flow.max_in_flight = 1;
  RecordingSink& sink = bus.Open(request);
  std::vector<std::pair<std::string, std::string>> many(5000, {"job", "b"});
  many.emplace_back("job", "a1");
  bus.PublishAll(many);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(sink.ids(), ElementsAre("a1"));
  EXPECT_EQ(events.filtered, 5000U);
}

TEST_F(FilterTest, ARetryComesThoughItsEntryMatchesInPart) {
  bus.WarmUp("job");
  OpenRequest request = Wanting("a");
  request.policy.retry_jitter = 0;
  RecordingSink& sink = bus.Open(request);
  bus.PublishAll({{"job", "b1"}, {"job", "a1"}});
  bus.Settle(sink, {.nacks = {{{{1, 1}}, std::nullopt, "no"}}});
  bus.Run(absl::Seconds(2));
  ASSERT_THAT(sink.ids(), ElementsAre("a1", "a1"));
  EXPECT_EQ(sink.received[1].attempt, 2U);
}

TEST_F(FilterTest, AnotherInstanceFiltersWhatItTakesOver) {
  bus.WarmUp("job");
  RecordingSink& sink = bus.Open(Wanting("a"));
  bus.PublishAll({{"job", "b1"}, {"job", "a1"}});
  ASSERT_THAT(sink.ids(), ElementsAre("a1"));
  const size_t other = bus.AddInstance();
  bus.instance(0).Kill();
  RecordingSink& heir = bus.Join("work", {}, other);
  bus.world().RunUntil([&] { return !heir.received.empty(); }, absl::Minutes(1));
  EXPECT_THAT(heir.ids(), ElementsAre("a1"));
}

TEST_F(FilterTest, AnotherFilterIsAnotherGroup) {
  bus.Open(Wanting("a"));
  EXPECT_TRUE(bus.Open(Wanting("a")).opened.has_value());
  RecordingSink& sink = bus.Open(Wanting("b"));
  ASSERT_TRUE(sink.closed.has_value());
  EXPECT_EQ(sink.closed->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(sink.closed->message()), testing::HasSubstr("policy.filter"));
  EXPECT_THAT(std::string(sink.closed->message()), testing::HasSubstr(R"([id prefix "a"])"));
  // Who does not name one takes it as it is.
  RecordingSink& other = bus.Join("work", {"job"});
  ASSERT_TRUE(other.opened.has_value());
  EXPECT_EQ(other.opened->definition.policy.filter, IdsThatBeginWith("a"));
}

TEST_F(FilterTest, ATailGetsWhatMatchesInItsPlace) {
  bus.WarmUp("job");
  OpenRequest request;
  request.tail = true;
  request.patterns = {"job"};
  request.filter = IdsThatBeginWith("a");
  RecordingSink& tail = bus.Open(request);
  bus.PublishAll({{"job", "b1"}, {"job", "a1"}, {"job", "a2"}, {"job", "b2"}, {"job", "a3"}});
  bus.PublishAll({{"job", "b3"}, {"job", "b4"}});
  bus.PublishAll({{"job", "a4"}});
  EXPECT_THAT(tail.ids(), ElementsAre("a1", "a2", "a3", "a4"));
  EXPECT_EQ(tail.received[0].position.index, 1U);
  EXPECT_EQ(tail.received[2].position.index, 4U);
  EXPECT_EQ(events.filtered, 4U);
}

TEST_F(FilterTest, ATailGoesPastALongStretchOfOthers) {
  OpenRequest request;
  request.tail = true;
  request.patterns = {"job"};
  request.filter = IdsThatBeginWith("a");
  request.flow.max_in_flight = 1;
  RecordingSink& tail = bus.Open(request);
  std::vector<std::pair<std::string, std::string>> many(5000, {"job", "b"});
  many.emplace_back("job", "a1");
  many.emplace_back("job", "a2");
  bus.PublishAll(many);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(tail.ids(), ElementsAre("a1"));
  bus.Taken(tail, 1, 100);
  EXPECT_THAT(tail.ids(), ElementsAre("a1", "a2"));
}

}  // namespace
}  // namespace eventbus
