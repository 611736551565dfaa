// What operators ask: how far groups are, and removing what is no longer wanted.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_P(StoreConformanceTest, AGroupsUnreadEventsAreCounted) {
  CreateStreamWithGroup();
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 0U);
  EXPECT_TRUE(GroupInfoOf(group_).exact);
  EXPECT_EQ(GroupInfoOf(group_).first_unread, EntryId::Max());
  std::vector<EntryId> ids;
  for (const uint32_t events : {2U, 3U, 5U}) ids.push_back(Append("x", events));
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 10U);
  EXPECT_EQ(GroupInfoOf(group_).first_unread, ids[0]);
  ReadGroup("me", 1);
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 8U);
  EXPECT_EQ(GroupInfoOf(group_).last_read, ids[0]);
  EXPECT_EQ(GroupInfoOf(group_).first_unread, ids[1]);
  // Also after a trim, before and behind the group, and in the middle.
  Trim({.min_id = ids[1]});
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 8U);
  Trim({.min_id = ids[2]});
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 5U);
  EXPECT_TRUE(GroupInfoOf(group_).exact);
  ReadGroup("me");
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 0U);
  Trim({.min_id = EntryId::Max()});
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 0U);
  EXPECT_TRUE(GroupInfoOf(group_).exact);
  EXPECT_EQ(TryGroupInfo({"none", 1}).status().code(), kNotFound);
}

TEST_P(StoreConformanceTest, PendingEventsAreCountedUntilTheyAreAcked) {
  CreateStreamWithGroup();
  EXPECT_EQ(GroupInfoOf(group_).first_pending, EntryId::Max());
  std::vector<EntryId> ids;
  for (const uint32_t events : {2U, 3U, 5U}) ids.push_back(Append("x", events));
  ReadGroup("me", 2);
  ReadGroup("you", 1);
  EXPECT_EQ(GroupInfoOf(group_).pending_entries, 3U);
  EXPECT_EQ(GroupInfoOf(group_).pending_events, 10U);
  EXPECT_EQ(GroupInfoOf(group_).first_pending, ids[0]);
  EXPECT_EQ(TryGroupInfo(group_, /*count_pending=*/false)->pending_entries, 3U);
  Ack({ids[0]});
  EXPECT_EQ(GroupInfoOf(group_).pending_events, 8U);
  EXPECT_EQ(GroupInfoOf(group_).first_pending, ids[1]);
}

TEST_P(StoreConformanceTest, ALongBacklogIsAboutAsLongAsTold) {
  CreateStreamWithGroup();
  for (int i = 0; i < 300; ++i) Append("x", 2);
  // All of it is unread, so the length of the stream tells.
  EXPECT_EQ(GroupInfoOf(group_).unread_events, 600U);
  ReadGroup("me", 150);
  EXPECT_GE(GroupInfoOf(group_).unread_events, 30U);
  EXPECT_LE(GroupInfoOf(group_).unread_events, 600U);
  EXPECT_EQ(GroupInfoOf(group_).pending_entries, 150U);
  EXPECT_EQ(GroupInfoOf(group_).pending_events, 300U);
}

TEST_P(StoreConformanceTest, WhatTrimsTookFromAGroupIsRemembered) {
  CreateStreamWithGroup();
  const EntryId first = Append("x", 2);
  const EntryId second = Append("x", 3);
  Append("x", 5);
  ReadGroup("me", 1);
  EXPECT_EQ(GroupInfoOf(group_).lost_events, 0U);
  Trim({.min_id = second});
  EXPECT_EQ(GroupInfoOf(group_).lost_events, 2U);
  Trim({.min_id = EntryId::Max()});
  EXPECT_EQ(GroupInfoOf(group_).lost_events, 10U);
  // Also by a later generation.
  ASSERT_TRUE(CreateGroup(kStream, {group_.name, 2}, first).ok());
  EXPECT_EQ(GroupInfoOf({group_.name, 2}).lost_events, 10U);
}

TEST_P(StoreConformanceTest, ADryTrimCountsAndRemovesNothing) {
  CreateStreamWithGroup();
  for (int i = 0; i < 700; ++i) Append("abc", 2);
  ReadGroup("me", 5);
  const TrimResult counted = Trim({.min_id = EntryId::Max(), .dry_run = true});
  EXPECT_EQ(counted.entries, 700U);
  EXPECT_EQ(counted.events, 1'400U);
  EXPECT_EQ(counted.bytes, 2'100U);
  ASSERT_EQ(counted.losses.size(), 1U);
  EXPECT_EQ(counted.losses[0].events, 1'400U);
  EXPECT_EQ(Info().entries, 700U);
  EXPECT_EQ(GroupInfoOf(group_).lost_events, 0U);
  EXPECT_EQ(Trim({.min_id = EntryId::Max()}).events, 1'400U);
}

TEST_P(StoreConformanceTest, StatesOfPendingEntriesAreListed) {
  CreateStreamWithGroup();
  std::vector<EntryId> ids;
  for (const char* value : {"a", "b", "c"}) ids.push_back(Append(value, 2));
  ReadGroup("me");
  EXPECT_THAT(ListStates(), IsEmpty());
  WriteStates("me", {{ids[0], "one"}, {ids[2], std::string("\0\xff", 2)}});
  EXPECT_THAT(ListStates(), UnorderedElementsAre(ids[0].ToString() + "=one",
                                                 ids[2].ToString() + std::string("=\0\xff", 3)));
  EXPECT_EQ(ListStates(1).size(), 1U);
  Ack({ids[0]});
  EXPECT_THAT(ListStates(), ElementsAre(ids[2].ToString() + std::string("=\0\xff", 3)));
}

TEST_P(StoreConformanceTest, ALaterGenerationOfARemovedGroupStaysWithAllItHas) {
  const GroupKey later{group_.name, 10};
  CreateStream(kStream, {group_, later});
  const EntryId id = Append("a");
  ReadGroup("me");
  ReadGroup(later, "me");
  BuryOne("b");
  ASSERT_TRUE(AwaitStatus([&](auto done) {
                a_->RemoveGroup(kStream, group_.name, 9, std::move(done));
              }).ok());
  EXPECT_EQ(TryGroupInfo(group_).status().code(), kNotFound);
  EXPECT_EQ(GroupInfoOf(later).first_pending, id);
  EXPECT_EQ(CountLetters(), 1U);
}

TEST_P(StoreConformanceTest, NothingIsLeftOfARemovedGroup) {
  const GroupKey second{group_.name, 2};
  const GroupKey other{group_.name + "x", 1};
  CreateStream(kStream, {group_, second, other});
  BuryOne("a");
  BuryOne("b");
  EXPECT_EQ(Redrive({ReadLetters(*a_)[0].id}).size(), 1U);
  const EntryId id = Append("partly", 2);
  ReadGroup("me");
  WriteStates("me", {{id, "state"}});
  Trim({.min_id = id});

  const auto remove = [&](std::string stream, std::string group) {
    EXPECT_TRUE(AwaitStatus([&](auto done) {
                  a_->RemoveGroup(std::move(stream), std::move(group), 2, std::move(done));
                }).ok());
  };
  remove(kStream, group_.name);
  EXPECT_EQ(TryGroupInfo(group_).status().code(), kNotFound);
  EXPECT_EQ(TryGroupInfo(second).status().code(), kNotFound);
  EXPECT_EQ(CountLetters(), 0U);
  EXPECT_EQ(TryReadGroup(*a_, {SideStreamOf(kStream, group_.name), SideGroupOf(group_.name), "me"})
                .status()
                .code(),
            kNotFound);
  // Others stay, and one of the same name begins from nothing.
  EXPECT_EQ(GroupInfoOf(other).unread_events, 2U);
  ASSERT_TRUE(CreateGroup(kStream, group_, EntryId::Min()).ok());
  EXPECT_EQ(GroupInfoOf(group_).lost_events, 0U);
  EXPECT_EQ(GroupInfoOf(group_).pending_entries, 0U);
  EXPECT_THAT(ReadStates({id}), IsEmpty());
  // Twice, and where there is none.
  remove(kStream, "none");
  remove("no.such.stream", group_.name);
}

TEST_P(StoreConformanceTest, NothingIsLeftOfADeletedStream) {
  CreateStreamWithGroup();
  BuryOne("a");
  const EntryId id = Append("partly", 2);
  ReadGroup("me");
  WriteStates("me", {{id, "state"}});
  const auto remove = [&] {
    return AwaitStatus(
        [&](auto done) { a_->DeleteStream(kStream, {group_.name}, std::move(done)); });
  };
  EXPECT_TRUE(remove().ok());
  EXPECT_EQ(TryAppend(*a_, kStream, "x").status().code(), kNotFound);
  EXPECT_EQ(CountLetters(), 0U);
  EXPECT_TRUE(remove().ok());
  // Its next birth begins with nothing.
  CreateStreamWithGroup();
  EXPECT_EQ(Info().entries, 0U);
  EXPECT_EQ(GroupInfoOf(group_).pending_entries, 0U);
  EXPECT_THAT(ReadStates({id}), IsEmpty());
}

TEST_P(StoreConformanceTest, AForgottenTypeMakesRoomAndTheOthersHearOfIt) {
  const auto register_type = [&](std::string type) {
    return Await<TypeRegistration>(
        [&](auto done) { a_->RegisterType(std::move(type), 1, std::move(done)); });
  };
  const auto first = register_type("a");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GT(first->type.born, absl::UnixEpoch());
  EXPECT_EQ(register_type("b").status().code(), absl::StatusCode::kResourceExhausted);
  world_->LetEverythingArrive();
  world_->Run([&] { b_hears_.registry_changes = 0; });
  const auto forget = [&] {
    return AwaitStatus([&](auto done) { a_->UnregisterType("a", std::move(done)); });
  };
  EXPECT_TRUE(forget().ok());
  EXPECT_TRUE(world_->WaitUntil([&] { return b_hears_.registry_changes > 0; }));
  EXPECT_TRUE(forget().ok());
  const auto second = register_type("b");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT(second->type.stamp, first->type.stamp);
  const auto types =
      Await<std::vector<TypeRecord>>([&](auto done) { a_->ListTypes(std::move(done)); });
  ASSERT_EQ(types->size(), 1U);
  EXPECT_EQ((*types)[0].stream, "b");
  EXPECT_EQ((*types)[0].born, second->type.born);
}

TEST_P(StoreConformanceTest, WhatInstancesTellOfThemselvesGoesWithThem) {
  const auto all = [&] {
    const auto stats =
        Await<std::vector<InstanceStats>>([&](auto done) { b_->ListStats(std::move(done)); });
    std::vector<std::string> texts;
    for (const InstanceStats& one : stats.value_or(std::vector<InstanceStats>())) {
      texts.push_back(absl::StrCat(one.incarnation, "=", one.stats));
    }
    return texts;
  };
  EXPECT_THAT(all(), IsEmpty());
  const auto put = [&](std::string incarnation, std::string text) {
    EXPECT_TRUE(AwaitStatus([&](auto done) {
                  a_->PutStats({std::move(incarnation), std::move(text)}, std::move(done));
                }).ok());
  };
  put("a", "1");
  put("b", "2");
  put("a", "{\"3\": 4}");
  EXPECT_THAT(all(), UnorderedElementsAre("a={\"3\": 4}", "b=2"));
  EXPECT_TRUE(AwaitStatus([&](auto done) { b_->ForgetInstance("a", std::move(done)); }).ok());
  EXPECT_THAT(all(), ElementsAre("b=2"));
}

}  // namespace
}  // namespace eventbus
