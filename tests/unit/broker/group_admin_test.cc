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
using ::testing::UnorderedElementsAre;

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
  absl::StatusOr<GroupView> Delete(DeleteGroupCommand command) {
    return Ask<GroupView>(
        bus, [&](Broker& broker, auto done) { broker.groups().Delete(command, std::move(done)); });
  }
  absl::StatusOr<GroupView> Create(const std::string& name, std::vector<std::string> patterns,
                                   StartPosition start = StartLatest{}, bool paused = false) {
    CreateGroupCommand command;
    command.open.group = name;
    command.open.patterns = std::move(patterns);
    command.open.start = std::move(start);
    command.paused = paused;
    return Ask<GroupView>(
        bus, [&](Broker& broker, auto done) { broker.groups().Create(command, std::move(done)); });
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

TEST_F(GroupAdminTest, SubscribersOfAllInstancesAreCounted) {
  const size_t other = bus.AddInstance();
  bus.Join("work", {"job"});
  bus.Join("work", {"job"}, other);
  bus.Join("work", {"job"}, other);
  bus.Run(absl::Seconds(1));
  EXPECT_EQ(Get("work")->group.state->subscribers, 3U);
  EXPECT_EQ(List({}, other).groups[0].state->subscribers, 3U);
}

TEST_F(GroupAdminTest, ADeletedGroupIsGoneEverywhereAndItsSubscribersAreTold) {
  const size_t other = bus.AddInstance();
  RecordingSink& here = bus.Join("work", {"job.*"});
  RecordingSink& there = bus.Join("work", {"job.*"}, other);
  Publish("job.a", 5);
  Publish("job.b", 5);
  const auto deleted = Delete({"work"});
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->group.record.name, "work");
  EXPECT_EQ(deleted->state->pending, 10U) << "as it was right before";
  bus.Run(absl::Seconds(1));
  for (const RecordingSink* sink : {&here, &there}) {
    ASSERT_TRUE(sink->closed.has_value());
    EXPECT_EQ(ReasonOf(*sink->closed), Reason::kGroupChanged);
  }
  EXPECT_EQ(Get("work").status().code(), absl::StatusCode::kNotFound);
  bus.Run(absl::Seconds(10));
  for (const char* stream : {"job.a", "job.b"}) {
    EXPECT_EQ(bus.store().GetGroupInfo({stream, {"work", 1}}).status().code(),
              absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(Delete({"work"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(GroupAdminTest, OneOfTheSameNameBeginsFromNothing) {
  bus.Join("work", {"job"});
  Publish("job", 3);
  ASSERT_TRUE(Delete({"work"}).ok());
  RecordingSink& sink = bus.Join("work", {"job"});
  EXPECT_THAT(sink.ids(), IsEmpty());
  // Also when what was deleted is looked at once more.
  bus.Run(absl::Seconds(10));
  ASSERT_TRUE(bus.Publish("job", "new").ok());
  EXPECT_THAT(sink.ids(), ElementsAre("new"));
}

TEST_F(GroupAdminTest, AGroupThatSomebodyMakesAnewWhenItIsDeletedGoesTheSecondTime) {
  Publish("job", 1);
  bus.Join("work", {"job"});
  ASSERT_TRUE(Delete({"work"}).ok());
  // As an instance would that has not heard of it yet.
  ASSERT_TRUE(bus.store().CreateGroup({"job", {"work", 1}, EntryId::Min()}).ok());
  bus.Run(absl::Seconds(10));
  EXPECT_EQ(bus.store().GetGroupInfo({"job", {"work", 1}}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(GroupAdminTest, WhatTheStoreFailsToRemoveIsRemovedLater) {
  Publish("job.a", 1);
  Publish("job.b", 1);
  bus.Join("work", {"job.*"});
  bus.instance().store().FailNext(StoreCall::kRemoveGroup, StoreFault::kNotDone);
  ASSERT_TRUE(Delete({"work"}).ok());
  for (const char* stream : {"job.a", "job.b"}) {
    EXPECT_FALSE(bus.store().GetGroupInfo({stream, {"work", 1}}).ok()) << stream;
  }
}

TEST_F(GroupAdminTest, ADryRunDeletesNothing) {
  RecordingSink& sink = bus.Join("work", {"job"});
  Publish("job", 2);
  const auto counted = Delete({.name = "work", .dry_run = true});
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(counted->state->pending, 2U);
  EXPECT_FALSE(sink.closed.has_value());
  EXPECT_TRUE(Get("work").ok());
}

TEST_F(GroupAdminTest, AGroupInUseStaysWhereThatIsAskedFor) {
  const size_t other = bus.AddInstance();
  RecordingSink& sink = bus.Join("work", {"job"}, other);
  bus.Run(absl::Seconds(1));
  const auto refused = Delete({.name = "work", .only_if_idle = true});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused.status()), Reason::kGroupInUse);
  bus.Close(sink);
  bus.Run(absl::Seconds(1));
  EXPECT_TRUE(Delete({.name = "work", .only_if_idle = true}).ok());
}

TEST_F(GroupAdminTest, ACreatedGroupGetsWhatIsPublishedFromThenOn) {
  Publish("job.a", 3);
  const auto created = Create("work", {"job.*"});
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->group.definition.patterns, std::vector<std::string>{"job.*"});
  ASSERT_TRUE(bus.Publish("job.a", "after").ok());
  ASSERT_TRUE(bus.Publish("job.b", "first of its type").ok());
  RecordingSink& sink = bus.Join("work", {});
  EXPECT_THAT(sink.ids(), UnorderedElementsAre("after", "first of its type"));
}

TEST_F(GroupAdminTest, ACreatedGroupMayBeginEarlier) {
  Publish("job", 2);
  ASSERT_TRUE(Create("work", {"job"}, StartEarliest{}).ok());
  EXPECT_THAT(bus.Join("work", {}).ids(), ElementsAre("0", "1"));
}

TEST_F(GroupAdminTest, ACreatedGroupIsThereOnAllStreamsEvenIfTheStoreFailsAtFirst) {
  Publish("job.a", 1);
  Publish("job.b", 1);
  bus.instance().store().FailNext(StoreCall::kCreateGroup, StoreFault::kNotDone);
  ASSERT_TRUE(Create("work", {"job.*"}).ok());
  for (const char* stream : {"job.a", "job.b"}) {
    EXPECT_TRUE(bus.store().GetGroupInfo({stream, {"work", 1}}).ok()) << stream;
  }
}

TEST_F(GroupAdminTest, AGroupIsCreatedOnce) {
  ASSERT_TRUE(Create("work", {"job"}).ok());
  const auto again = Create("work", {"job"});
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again.status()), Reason::kGroupExists);
}

TEST_F(GroupAdminTest, ACreatedGroupMayBePaused) {
  ASSERT_TRUE(Create("work", {"job"}, StartLatest{}, /*paused=*/true).ok());
  RecordingSink& sink = bus.Join("work", {});
  Publish("job", 1);
  EXPECT_THAT(sink.ids(), IsEmpty());
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
