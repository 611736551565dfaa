// Who is there, and who subscribes where, as any instance tells it.
#include "server/broker/instance_directory.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"
#include "tests/unit/broker/ask.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class InstanceDirectoryTest : public testing::Test {
 protected:
  InstanceDirectoryTest() { bus.AddInstance(); }

  InstancePage List(PageRequest page = {}, size_t instance = 0) {
    const auto answer = Ask<InstancePage>(
        bus, [&](Broker& broker, auto done) { broker.instances().List(page, std::move(done)); },
        instance);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(InstancePage());
  }
  SubscriberPage Subscribers(SubscriberQuery query = {}, size_t instance = 0) {
    const auto answer = Ask<SubscriberPage>(
        bus,
        [&](Broker& broker, auto done) {
          broker.instances().ListSubscribers(query, std::move(done));
        },
        instance);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(SubscriberPage());
  }
  static std::vector<std::string> StatesIn(const InstancePage& page) {
    static constexpr const char* kNames[] = {"unknown", "alive", "draining", "left", "dead"};
    std::vector<std::string> states;
    for (const InstanceView& view : page.instances) {
      states.push_back(view.instance_id + " " + kNames[static_cast<int>(view.state)]);
    }
    return states;
  }

  TestBus bus;
};

TEST_F(InstanceDirectoryTest, AllInstancesAreListedFromAnyOfThem) {
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(StatesIn(List()), ElementsAre("instance-0 alive", "instance-1 alive"));
  EXPECT_THAT(StatesIn(List({}, 1)), ElementsAre("instance-0 alive", "instance-1 alive"));
  const InstancePage page = List();
  EXPECT_TRUE(page.instances[0].answering);
  EXPECT_FALSE(page.instances[1].answering);
  EXPECT_GT(page.instances[1].last_heartbeat, bus.world().Now() - absl::Seconds(2));
  EXPECT_GT(page.instances[1].report.started, bus.world().Now() - absl::Seconds(4));
}

TEST_F(InstanceDirectoryTest, OneThatHasJustComeIsNotKnownToLive) {
  bus.Run(absl::Seconds(3));
  bus.AddInstance();
  bus.Run(absl::Milliseconds(500));
  EXPECT_THAT(StatesIn(List())[2], "instance-2 unknown");
  bus.Run(absl::Seconds(3));
  EXPECT_THAT(StatesIn(List())[2], "instance-2 alive");
}

TEST_F(InstanceDirectoryTest, OneThatComesDuringAHeartbeatIsKnownWithTheNextOneAtOnce) {
  bus.Run(absl::Seconds(3) + absl::Milliseconds(900));
  bus.instance(0).store().DelayNext(StoreCall::kHeartbeat, absl::Milliseconds(400));
  // It is under way when the other one comes, and does not know of it.
  bus.Run(absl::Milliseconds(200));
  bus.AddInstance();
  bus.Run(absl::Milliseconds(400));
  EXPECT_THAT(StatesIn(List()),
              ElementsAre("instance-0 alive", "instance-1 alive", "instance-2 unknown"));
}

TEST_F(InstanceDirectoryTest, TheDeadAndThoseThatLeftAreRememberedForAWhile) {
  bus.AddInstance();
  bus.Run(absl::Seconds(3));
  bus.instance(1).Kill();
  bool drained = false;
  bus.instance(2).process().Post([&] {
    bus.instance(2).broker().Drain(bus.world().Now() + absl::Seconds(5), [&] { drained = true; });
  });
  bus.Run(absl::Seconds(20));
  EXPECT_TRUE(drained);
  EXPECT_THAT(StatesIn(List()),
              ElementsAre("instance-0 alive", "instance-1 dead", "instance-2 left"));
  bus.Run(absl::Minutes(15));
  EXPECT_THAT(StatesIn(List()), ElementsAre("instance-0 alive"));
}

TEST_F(InstanceDirectoryTest, OneThatDrainsSaysSo) {
  bus.Join("work", {"job"}, 1);
  ASSERT_TRUE(bus.Publish("job", "1").ok());
  bus.Run(absl::Seconds(3));
  bus.instance(1).process().Post(
      [&] { bus.instance(1).broker().Drain(bus.world().Now() + absl::Seconds(30), [] {}); });
  bus.Run(absl::Seconds(2));
  EXPECT_THAT(StatesIn(List())[1], "instance-1 draining");
}

TEST_F(InstanceDirectoryTest, ListsArePaged) {
  bus.Run(absl::Seconds(3));
  const InstancePage first = List({1, ""});
  ASSERT_THAT(first.instances, SizeIs(1));
  EXPECT_EQ(first.next, "instance-0");
  const InstancePage second = List({1, first.next});
  ASSERT_THAT(second.instances, SizeIs(1));
  EXPECT_EQ(second.instances[0].instance_id, "instance-1");
  EXPECT_EQ(second.next, "");
}

TEST_F(InstanceDirectoryTest, SubscribersOfAllInstancesAreTold) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job"};
  request.client_id = "me";
  request.peer = "ipv4:192.0.2.7:1";
  request.client_properties = {{"team", "a"}};
  request.flow.max_in_flight = 7;
  RecordingSink& sink = bus.Open(request, 1);
  bus.Tail({"*"});
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  bus.Settle(sink, {.acks = {{1, 4}}});
  bus.Run(absl::Seconds(10));
  const SubscriberPage page = Subscribers();
  EXPECT_EQ(page.totals.subscribers, 2U);
  ASSERT_THAT(page.subscribers, SizeIs(2));
  const SubscriberStats& tail = page.subscribers[0];
  EXPECT_EQ(tail.instance_id, "instance-0");
  EXPECT_EQ(tail.group, "");
  EXPECT_THAT(tail.patterns, ElementsAre("*"));
  EXPECT_EQ(tail.delivered_events, 6U);
  const SubscriberStats& member = page.subscribers[1];
  EXPECT_EQ(member.subscription_id, sink.opened->subscription_id);
  EXPECT_EQ(member.instance_id, "instance-1");
  EXPECT_EQ(member.group, "work");
  EXPECT_EQ(member.client_id, "me");
  EXPECT_EQ(member.peer, "ipv4:192.0.2.7:1");
  EXPECT_EQ(member.client_properties, request.client_properties);
  EXPECT_EQ(member.flow.max_in_flight, 7U);
  EXPECT_EQ(member.delivered_events, 6U);
  EXPECT_EQ(member.acked_events, 4U);
  EXPECT_EQ(member.in_flight, 2U);
  EXPECT_GT(member.in_flight_bytes, 0U);
  EXPECT_GT(member.events_per_second, 0);
  EXPECT_GT(member.as_of, bus.world().Now() - absl::Seconds(6));
  EXPECT_LE(member.connected, member.last_activity);
}

TEST_F(InstanceDirectoryTest, FailuresAreCounted) {
  RecordingSink& sink = bus.Join("work", {"job"});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bus.Publish("job", std::to_string(i)).ok());
  SettleCommand command;
  command.nacks.push_back({.deliveries = {{1, 1}}});
  command.rejects.push_back({.deliveries = {{2, 2}}});
  bus.Settle(sink, command);
  bus.Run(absl::Seconds(40));  // The ack deadline of the third.
  const SubscriberPage page = Subscribers();
  ASSERT_THAT(page.subscribers, SizeIs(1));
  EXPECT_GE(page.subscribers[0].failed_events, 3U);
  EXPECT_GT(page.totals.failed_per_minute, 0);
}

TEST_F(InstanceDirectoryTest, SubscribersMayBeThoseOfAGroupOrAnInstanceAndComeInPages) {
  bus.Join("a", {"job"});
  bus.Join("a", {"job"}, 1);
  bus.Join("b", {"job"}, 1);
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(Subscribers({.group = "a"}).subscribers, SizeIs(2));
  EXPECT_EQ(Subscribers({.group = "a"}).totals.subscribers, 2U);
  EXPECT_THAT(Subscribers({.instance_id = "instance-1"}).subscribers, SizeIs(2));
  EXPECT_THAT(Subscribers({.group = "none"}).subscribers, IsEmpty());
  const SubscriberPage first = Subscribers({.page = {2, ""}});
  EXPECT_THAT(first.subscribers, SizeIs(2));
  EXPECT_EQ(first.totals.subscribers, 3U) << "of all pages";
  EXPECT_EQ(first.next, first.subscribers[1].subscription_id);
  EXPECT_THAT(Subscribers({.page = {2, first.next}}).subscribers, SizeIs(1));
}

TEST_F(InstanceDirectoryTest, ThoseOfADeadInstanceAreNoMore) {
  bus.Join("work", {"job"}, 1);
  bus.Run(absl::Seconds(3));
  EXPECT_EQ(Subscribers().totals.subscribers, 1U);
  bus.instance(1).Kill();
  bus.Run(absl::Seconds(15));
  EXPECT_EQ(Subscribers().totals.subscribers, 0U);
}

TEST_F(InstanceDirectoryTest, AReportIsReadBack) {
  InstanceReport report;
  report.incarnation = "i";
  report.host = "h";
  report.address = "a";
  report.version = "v";
  report.started = absl::FromUnixMillis(1'000);
  report.as_of = absl::FromUnixMillis(2'000);
  report.draining = true;
  report.published_per_second = 1.5;
  report.groups["g"].subscribers = 3;
  report.tails.subscribers = 1;
  SubscriberStats stats;
  stats.subscription_id = "i/1";
  stats.client_id = "no UTF-8: \xff";
  report.subscribers.push_back(stats);
  const auto read = InstanceReportFromJson("i", ToJson(report));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->host, "h");
  EXPECT_EQ(read->started, report.started);
  EXPECT_TRUE(read->draining);
  EXPECT_EQ(read->CountSubscribers(), 4U);
  ASSERT_THAT(read->subscribers, SizeIs(1));
  EXPECT_EQ(read->subscribers[0].subscription_id, "i/1");
  EXPECT_EQ(read->subscribers[0].instance_id, "i");
  for (const char* text : {"", "[]", "{\"groups\": 3}", "nonsense"}) {
    EXPECT_FALSE(InstanceReportFromJson("i", text).ok()) << text;
  }
}

TEST_F(InstanceDirectoryTest, OfVeryManySubscribersTheTotalsAreWhole) {
  InstanceReport report;
  report.incarnation = "i";
  for (int i = 0; i < 5'000; ++i) {
    SubscriberStats& one = report.subscribers.emplace_back();
    one.subscription_id = "i/" + std::to_string(i);
    one.group = "g";
    report.groups["g"].Add(one);
  }
  const auto read = InstanceReportFromJson("i", ToJson(report));
  ASSERT_TRUE(read.ok());
  EXPECT_THAT(read->subscribers, SizeIs(kMaxReportedSubscribers));
  EXPECT_EQ(PageOf({*read}, {.group = "g"}).totals.subscribers, 5'000U);
}

}  // namespace
}  // namespace eventbus
