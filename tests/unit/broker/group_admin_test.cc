// What operators ask about groups, and do to them.
#include "server/broker/group_admin.h"

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

class GroupAdminTest : public testing::Test {
 protected:
  GroupPage List(GroupQuery query, size_t instance = 0) {
    const auto page = Ask<GroupPage>(
        bus, [&](Broker& broker, auto done) { broker.groups().List(query, std::move(done)); },
        instance);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.value_or(GroupPage());
  }
  static std::vector<std::string> NamesIn(const GroupPage& page) {
    std::vector<std::string> names;
    for (const GroupView& view : page.groups) names.push_back(view.group.record.name);
    return names;
  }
  absl::StatusOr<GroupWithStreams> Get(const std::string& name, PageRequest page = {},
                                       size_t instance = 0) {
    return Ask<GroupWithStreams>(
        bus, [&](Broker& broker, auto done) { broker.groups().Get(name, page, std::move(done)); },
        instance);
  }
  void Publish(const std::string& type, int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(bus.Publish(type, std::to_string(i)).ok());
  }

  TestBus bus;
};

TEST_F(GroupAdminTest, GroupsAreListedByNameInPages) {
  for (const char* name : {"b", "a/2", "c", "a/1"}) bus.Join(name, {"job"});
  EXPECT_THAT(NamesIn(List({})), ElementsAre("a/1", "a/2", "b", "c"));
  EXPECT_EQ(List({}).next, "");
  const GroupPage first = List({.page = {3, ""}});
  EXPECT_THAT(NamesIn(first), ElementsAre("a/1", "a/2", "b"));
  EXPECT_EQ(first.next, "b");
  const GroupPage second = List({.page = {3, first.next}});
  EXPECT_THAT(NamesIn(second), ElementsAre("c"));
  EXPECT_EQ(second.next, "");
}

TEST_F(GroupAdminTest, AListMayBeOfAPrefixOrOfWhoeverReceivesAType) {
  bus.Join("a/1", {"order.*"});
  bus.Join("a/2", {"mail"});
  bus.Join("b", {"order.placed"});
  EXPECT_THAT(NamesIn(List({.name_prefix = "a/"})), ElementsAre("a/1", "a/2"));
  EXPECT_THAT(NamesIn(List({.name_prefix = "a/", .page = {100, "a/1"}})), ElementsAre("a/2"));
  EXPECT_THAT(NamesIn(List({.type = "order.placed"})), ElementsAre("a/1", "b"));
  EXPECT_THAT(NamesIn(List({.name_prefix = "x"})), IsEmpty());
}

TEST_F(GroupAdminTest, APageOfLargeDefinitionsIsBounded) {
  std::vector<std::string> patterns;
  for (int i = 0; i < 100; ++i) patterns.push_back(std::to_string(i) + std::string(250, 'x'));
  for (int i = 0; i < 100; ++i) bus.Join("g" + std::to_string(100 + i), patterns);
  const GroupPage page = List({.with_state = false, .page = {1'000, ""}});
  EXPECT_LT(page.groups.size(), 100U);
  EXPECT_GT(page.groups.size(), 50U);
  EXPECT_EQ(page.next, page.groups.back().group.record.name);
}

TEST_F(GroupAdminTest, WhereAGroupStandsIsTheSumOfItsStreams) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job.*"};
  request.flow.max_in_flight = 4;
  RecordingSink& sink = bus.Open(request);
  Publish("job.a", 3);
  Publish("job.b", 6);
  Publish("other", 5);
  bus.Settle(sink, {.acks = {{1, 2}}});
  const GroupPage page = List({});
  ASSERT_EQ(page.groups.size(), 1U);
  ASSERT_TRUE(page.groups[0].state.has_value());
  EXPECT_EQ(page.groups[0].state->pending, 4U);
  EXPECT_EQ(page.groups[0].state->lag, 3U);
  EXPECT_FALSE(List({.with_state = false}).groups[0].state.has_value());

  const auto group = Get("work");
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_EQ(group->streams.size(), 2U);
  EXPECT_EQ(group->streams[0].stream, "job.a");
  EXPECT_EQ(group->streams[0].state.pending, 1U);
  EXPECT_EQ(group->streams[1].state.pending, 3U);
  EXPECT_EQ(group->streams[1].state.lag, 3U);
  EXPECT_EQ(group->group.state->pending, 4U);
  EXPECT_EQ(group->streams[1].delivered, sink.received.back().position);
}

TEST_F(GroupAdminTest, StreamsOfAGroupComeInPages) {
  for (const char* type : {"job.a", "job.b", "job.c"}) Publish(type, 2);
  OpenRequest request;
  request.group = "work";
  request.patterns = {"job.*"};
  request.start = StartEarliest{};
  bus.Open(request);
  const auto first = Get("work", {2, ""});
  ASSERT_EQ(first->streams.size(), 2U);
  EXPECT_EQ(first->next, "job.b");
  EXPECT_EQ(first->group.state->pending, 6U) << "of all streams";
  const auto second = Get("work", {2, first->next});
  ASSERT_EQ(second->streams.size(), 1U);
  EXPECT_EQ(second->streams[0].stream, "job.c");
  EXPECT_EQ(second->next, "");
}

TEST_F(GroupAdminTest, AGroupThatIsNotThereIsSaidSo) {
  const auto group = Get("none");
  EXPECT_EQ(group.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(group.status()), Reason::kGroupNotFound);
}

TEST_F(GroupAdminTest, AnyInstanceKnowsAtOnceWhatAnotherHasCreated) {
  const size_t other = bus.AddInstance();
  bus.Join("work", {"job"});
  EXPECT_TRUE(Get("work", {}, other).ok());
  EXPECT_THAT(NamesIn(List({}, other)), ElementsAre("work"));
}

TEST_F(GroupAdminTest, AnErrorOfTheStoreIsTheAnswer) {
  bus.Join("work", {"job"});
  Publish("job", 1);
  for (const StoreCall call : {StoreCall::kListGroups, StoreCall::kGetGroupInfo}) {
    bus.instance().store().FailNext(call, StoreFault::kNotDone);
    EXPECT_EQ(Get("work").status().code(), absl::StatusCode::kUnavailable);
    bus.Run(absl::Seconds(2));
    EXPECT_TRUE(Get("work").ok());
  }
}

TEST_F(GroupAdminTest, CreationIsByTheStoresClock) {
  const absl::Time before = bus.world().Now();
  bus.Join("work", {"job"});
  const GroupDefinition definition = Get("work")->group.group.definition;
  EXPECT_GE(definition.created, before - absl::Milliseconds(5));
  EXPECT_LE(definition.created, bus.world().Now());
}

}  // namespace
}  // namespace eventbus
