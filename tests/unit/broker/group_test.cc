// What members of a group get, and when.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TEST(GroupTest, GetsWhatMatchesItsPatterns) {
  TestBus bus;
  RecordingSink& sink = bus.Join("audit", {"order.*"});
  ASSERT_TRUE(sink.opened.has_value());
  EXPECT_TRUE(sink.opened->group_created);
  ASSERT_TRUE(bus.Publish("order.placed", "1").ok());
  ASSERT_TRUE(bus.Publish("user.login", "2").ok());
  ASSERT_TRUE(bus.Publish("order.item.added", "3").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "3"));
}

TEST(GroupTest, GetsANewTypeFromItsFirstEventAlsoWhenNobodyIsConnected) {
  TestBus bus;
  RecordingSink& first = bus.Join("audit", {"*"});
  bus.Close(first);
  ASSERT_TRUE(bus.Publish("order.placed", "1").ok());
  ASSERT_TRUE(bus.Publish("order.placed", "2").ok());
  RecordingSink& second = bus.Join("audit", {});
  EXPECT_FALSE(second.opened->group_created);
  EXPECT_THAT(second.ids(), ElementsAre("1", "2"));
}

TEST(GroupTest, SharesEventsAmongItsMembers) {
  TestBus bus;
  RecordingSink& a = bus.Join("work", {"job"});
  RecordingSink& b = bus.Join("work", {"job"});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  EXPECT_THAT(a.received, SizeIs(5));
  EXPECT_THAT(b.received, SizeIs(5));
}

TEST(GroupTest, EveryGroupGetsEveryEvent) {
  TestBus bus;
  RecordingSink& a = bus.Join("a", {"*"});
  RecordingSink& b = bus.Join("b", {"job.**"});
  ASSERT_TRUE(bus.Publish("job.done", "1").ok());
  EXPECT_THAT(a.ids(), ElementsAre("1"));
  EXPECT_THAT(b.ids(), ElementsAre("1"));
}

TEST(GroupTest, AMemberGetsNoMoreThanItsInFlightLimit) {
  TestBus bus;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight = 2;
  RecordingSink& sink = bus.Open(request);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  EXPECT_THAT(sink.ids(), ElementsAre("0", "1"));
  bus.Settle(sink, {.acks = {{1, 1}}});
  EXPECT_THAT(sink.ids(), ElementsAre("0", "1", "2"));
  bus.SetFlow(sink, {.max_in_flight = 4});
  EXPECT_THAT(sink.ids(), ElementsAre("0", "1", "2", "3", "4"));
}

TEST(GroupTest, OneEventGoesOutHoweverLarge) {
  TestBus bus;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow.max_in_flight_bytes = 1;
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1"));
  bus.AckAll(sink);
  EXPECT_THAT(sink.ids(), ElementsAre("1", "2"));
}

TEST(GroupTest, LargeEventsAreReadOnlyAsFarAsTheirBytesHaveRoom) {
  TestBus bus;
  const std::string large(250, 'x');
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.flow = {.max_in_flight = 10'000, .max_in_flight_bytes = 2'600};
  RecordingSink& sink = bus.Open(request);
  bus.PublishAll(std::vector<std::pair<std::string, std::string>>(400, {"job", large}));
  // The first read did not know how large they are; those behind it do.
  bus.AckAll(sink);
  bus.AckAll(sink);
  const auto pending = bus.store().ReadPending({"job", {"work", 1}, "", EntryId::Min(), 1'000});
  ASSERT_TRUE(pending.ok());
  EXPECT_THAT(*pending, SizeIs(AllOf(Ge(9U), Le(12U))));
}

TEST(GroupTest, ABrokenStreamsEventsComeAgainAtOnceAndCostNoAttempt) {
  TestBus bus;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  RecordingSink& a = bus.Open(request);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_THAT(a.ids(), ElementsAre("1"));
  RecordingSink& b = bus.Open(request);
  bus.Close(a);
  ASSERT_THAT(b.ids(), ElementsAre("1"));
  EXPECT_EQ(b.received[0].attempt, 1U);
  EXPECT_EQ(b.received[0].times_delivered, 2U);
}

TEST(GroupTest, StartsAtTheEarliestEvent) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.start = StartEarliest{};
  EXPECT_THAT(bus.Open(request).ids(), ElementsAre("1", "2"));
}

TEST(GroupTest, StartsWithTheLatestByDefault) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  RecordingSink& sink = bus.Join("work", {"job"});
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("2"));
}

TEST(GroupTest, StartsAtATime) {
  TestBus bus;
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Seconds(10));
  const absl::Time time = bus.world().Now();
  ASSERT_TRUE(bus.Publish("job", "2").ok());
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.start = StartAtTime{time};
  EXPECT_THAT(bus.Open(request).ids(), ElementsAre("2"));
}

TEST(GroupTest, StartsAfterAPositionInsideAnEntry) {
  BrokerOptions options;
  TestBus bus(options);
  // A stream that was busy puts many events into one entry.
  std::vector<std::pair<std::string, std::string>> events;
  for (int i = 0; i < 2000; ++i) events.emplace_back("job", "warm");
  bus.PublishAll(events);
  const PublishOutcome outcome = bus.PublishAll({{"job", "1"}, {"job", "2"}, {"job", "3"}});
  ASSERT_THAT(outcome, SizeIs(1));
  Position second = outcome[0].position;
  second.index += 1;
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.start = StartAfterPositions{{{"job", second}}, {}};
  EXPECT_THAT(bus.Open(request).ids(), ElementsAre("3"));
}

TEST(GroupTest, AnExistingGroupIsJoinedAsItIs) {
  TestBus bus;
  bus.Join("work", {"job.*"});
  OpenRequest request;
  request.group = "work";
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(sink.opened.has_value());
  EXPECT_THAT(sink.opened->definition.patterns, ElementsAre("job.*"));
}

TEST(GroupTest, OtherPatternsAreRefusedByName) {
  TestBus bus;
  bus.Join("work", {"job.*"});
  RecordingSink& sink = bus.Join("work", {"order.*"});
  ASSERT_TRUE(sink.closed.has_value());
  EXPECT_EQ(sink.closed->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(*sink.closed), Reason::kGroupMismatch);
  EXPECT_THAT(sink.closed->message(), testing::HasSubstr("job.*"));
}

TEST(GroupTest, AnotherPolicyIsRefusedNamingTheField) {
  TestBus bus;
  bus.Join("work", {"job.*"});
  OpenRequest request;
  request.group = "work";
  request.policy.max_retries = 7;
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(sink.closed.has_value());
  EXPECT_THAT(sink.closed->message(),
              testing::HasSubstr("policy.max_retries: stored 3, requested 7"));
}

TEST(GroupTest, AnUnknownGroupWithoutPatternsIsNotFound) {
  TestBus bus;
  RecordingSink& sink = bus.Join("nobody", {});
  ASSERT_TRUE(sink.closed.has_value());
  EXPECT_EQ(ReasonOf(*sink.closed), Reason::kGroupNotFound);
}

TEST(GroupTest, AnEphemeralGroupGoesOnceNobodyWasConnectedForItsExpiry) {
  BrokerOptions options;
  options.ephemeral_expiry = absl::Seconds(30);
  TestBus bus(options);
  ASSERT_TRUE(bus.Publish("job", "0").ok());
  OpenRequest request;
  request.ephemeral = true;
  request.patterns = {"job"};
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(sink.opened.has_value());
  const std::string name = sink.opened->group;
  EXPECT_THAT(name, testing::StartsWith("ephemeral/"));
  bus.Run(absl::Minutes(2));
  EXPECT_EQ(bus.instance().broker().Counts().groups, 1U);
  bus.Close(sink);
  bus.Run(absl::Seconds(29));
  EXPECT_EQ(bus.instance().broker().Counts().groups, 1U);
  bus.Run(absl::Seconds(5));
  EXPECT_EQ(bus.instance().broker().Counts().groups, 0U);
  EXPECT_EQ(bus.store().ListConsumers("job", {name, 1}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(GroupTest, TooManyGroupsAreRefused) {
  BrokerOptions options;
  options.max_groups = 1;
  TestBus bus(options);
  bus.Join("a", {"*"});
  RecordingSink& sink = bus.Join("b", {"*"});
  ASSERT_TRUE(sink.closed.has_value());
  EXPECT_EQ(ReasonOf(*sink.closed), Reason::kTooManyGroups);
}

TEST(GroupTest, TooManySubscribersAreRefusedUntilOneLeaves) {
  BrokerOptions options;
  options.max_subscribers = 2;
  TestBus bus(options);
  RecordingSink& member = bus.Join("a", {"*"});
  bus.Tail({"*"});
  RecordingSink& refused = bus.Join("a", {"*"});
  ASSERT_TRUE(refused.closed.has_value());
  EXPECT_EQ(ReasonOf(*refused.closed), Reason::kTooManySubscribers);
  bus.Close(member);
  EXPECT_TRUE(bus.Join("a", {"*"}).opened.has_value());
}

TEST(GroupTest, EventsOfManyStreamsAllArrive) {
  TestBus bus;
  RecordingSink& sink = bus.Join("all", {"*"});
  std::vector<std::pair<std::string, std::string>> events;
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    events.emplace_back("type" + std::to_string(i), std::to_string(i));
    expected.push_back(std::to_string(i));
  }
  bus.PublishAll(events);
  EXPECT_THAT(sink.ids(), testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace eventbus
