// Groups on streams: cursors, pending entries, acks, consumers.

#include <optional>
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

TEST_P(StoreConformanceTest, EveryCallOnAMissingGroupIsNotFoundExceptTheHarmlessOnes) {
  CreateStream();
  const EntryId id = Append("one");
  const GroupKey none{"none", 1};
  EXPECT_EQ(TryReadGroup(*a_, {kStream, none, "me", 1}).status().code(), kNotFound);
  EXPECT_EQ(TryClaim(*a_, {kStream, none, "x", "me", 1}).status().code(), kNotFound);
  EXPECT_EQ(Await<std::vector<PendingEntry>>([&](auto done) {
              a_->ReadPending({.stream = kStream, .group = none}, std::move(done));
            })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(Await<uint64_t>([&](auto done) {
              a_->WriteStates(kStream, none, "me", {{id, "r"}}, std::move(done));
            })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(Await<std::vector<EntryState>>(
                [&](auto done) { a_->ReadStates(kStream, none, {id}, std::move(done)); })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(AwaitStatus([&](auto done) {
              a_->Release({kStream, none, "me", {id}, {}}, std::move(done));
            }).code(),
            kNotFound);
  EXPECT_EQ(Await<std::vector<ConsumerInfo>>(
                [&](auto done) { a_->ListConsumers(kStream, none, std::move(done)); })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(
      Await<bool>([&](auto done) { a_->RemoveConsumer(kStream, none, "me", std::move(done)); })
          .status()
          .code(),
      kNotFound);
  EXPECT_TRUE(
      AwaitStatus([&](auto done) { a_->DestroyGroup(kStream, none, std::move(done)); }).ok());
  const auto acked =
      Await<uint64_t>([&](auto done) { a_->Ack(kStream, none, {id}, std::move(done)); });
  ASSERT_TRUE(acked.ok()) << acked.status();
  EXPECT_EQ(*acked, 0u);
}

TEST_P(StoreConformanceTest, AGroupGetsWhatComesAfterItsStart) {
  CreateStream();
  const EntryId first = Append("one");
  Append("two");
  ASSERT_TRUE(CreateGroup(kStream, {"from-start", 1}, EntryId::Min()).ok());
  ASSERT_TRUE(CreateGroup(kStream, {"after-one", 1}, first).ok());
  ASSERT_TRUE(CreateGroup(kStream, {"from-now", 1}, std::nullopt).ok());
  Append("three");
  EXPECT_THAT(ReadGroup({"from-start", 1}, "me"), ElementsAre("one", "two", "three"));
  EXPECT_THAT(ReadGroup({"after-one", 1}, "me"), ElementsAre("two", "three"));
  EXPECT_THAT(ReadGroup({"from-now", 1}, "me"), ElementsAre("three"));
}

TEST_P(StoreConformanceTest, CreatingAGroupThatExistsLeavesItAsItIs) {
  CreateStreamWithGroup();
  Append("one");
  ASSERT_THAT(ReadGroup("me"), ElementsAre("one"));
  ASSERT_TRUE(CreateGroup(kStream, group_, EntryId::Min()).ok());
  EXPECT_THAT(ReadGroup("me"), IsEmpty());
  EXPECT_EQ(Pending().size(), 1u);
}

TEST_P(StoreConformanceTest, GenerationsOfAGroupAreApart) {
  CreateStreamWithGroup();
  const EntryId id = Append("one");
  ASSERT_THAT(ReadGroup("me"), ElementsAre("one"));
  const GroupKey next{group_.name, 2};
  ASSERT_TRUE(CreateGroup(kStream, next, EntryId::Min()).ok());
  EXPECT_THAT(ReadGroup(next, "me"), ElementsAre("one"));
  EXPECT_EQ(Ack({id}), 1u);
  const auto left = Await<std::vector<PendingEntry>>(
      [&](auto done) { a_->ReadPending({.stream = kStream, .group = next}, std::move(done)); });
  ASSERT_TRUE(left.ok());
  EXPECT_EQ(left->size(), 1u);
}

TEST_P(StoreConformanceTest, DestroyingAGroupDropsItsCursorPendingEntriesAndStates) {
  CreateStreamWithGroup();
  const EntryId id = Append("one");
  ASSERT_THAT(ReadGroup("me"), ElementsAre("one"));
  ASSERT_EQ(WriteStates("me", {{id, "record"}}), 1u);
  ASSERT_TRUE(
      AwaitStatus([&](auto done) { a_->DestroyGroup(kStream, group_, std::move(done)); }).ok());
  EXPECT_EQ(TryReadGroup(*a_, {kStream, group_, "me", 1}).status().code(), kNotFound);
  ASSERT_TRUE(CreateGroup(kStream, group_, EntryId::Min()).ok());
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_THAT(ReadStates({id}), IsEmpty());
  EXPECT_THAT(ReadGroup("me"), ElementsAre("one"));
}

TEST_P(StoreConformanceTest, EachEntryGoesToOneConsumerOfAGroupInOrder) {
  CreateStreamWithGroup();
  for (const char* value : {"a", "b", "c", "d"}) Append(value);
  EXPECT_THAT(ReadGroup("me", 1), ElementsAre("a"));
  EXPECT_THAT(ReadGroup("you", 2), ElementsAre("b", "c"));
  EXPECT_THAT(ReadGroup("me", 10), ElementsAre("d"));
  EXPECT_THAT(ReadGroup("me", 10), IsEmpty());
}

TEST_P(StoreConformanceTest, EachGroupGetsEveryEntry) {
  const GroupKey other{"billing", 1};
  CreateStream(kStream, {group_, other});
  Append("one");
  EXPECT_THAT(ReadGroup("me"), ElementsAre("one"));
  EXPECT_THAT(ReadGroup(other, "me"), ElementsAre("one"));
}

TEST_P(StoreConformanceTest, TwoInstancesThatReadAtTheSameTimeShareTheEntries) {
  CreateStreamWithGroup();
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(absl::StrCat(i));
    Append(all.back());
  }
  std::vector<std::string> read;
  int answers = 0;
  world_->Run([&] {
    for (int i = 0; i < 10; ++i) {
      const auto take = [&](absl::StatusOr<ReadGroupResult> result) {
        ++answers;
        ASSERT_TRUE(result.ok()) << result.status();
        for (std::string& value : ValuesOf(result->entries)) read.push_back(std::move(value));
      };
      a_->ReadGroup({kStream, group_, "a", 1}, take);
      b_->ReadGroup({kStream, group_, "b", 1}, take);
    }
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return answers == 20; }));
  EXPECT_THAT(read, ::testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(Consumers(), ElementsAre("a:10", "b:10"));
}

TEST_P(StoreConformanceTest, WhatWasReadIsPendingForItsConsumerUntilItIsAcked) {
  CreateStreamWithGroup();
  const EntryId a = Append("a");
  const EntryId b = Append("b");
  const EntryId c = Append("c");
  ReadGroup("me", 2);
  ReadGroup("you", 1);
  EXPECT_THAT(PendingIds(), ElementsAre(a, b, c));
  EXPECT_THAT(PendingIds("me"), ElementsAre(a, b));
  EXPECT_THAT(PendingIds("you"), ElementsAre(c));
  EXPECT_THAT(PendingIds("nobody"), IsEmpty());
  EXPECT_EQ(Pending("you")[0].consumer, "you");
  EXPECT_EQ(Pending("you")[0].times_delivered, 1u);
  EXPECT_EQ(Ack({b, c}), 2u);
  EXPECT_THAT(PendingIds(), ElementsAre(a));
}

TEST_P(StoreConformanceTest, AcksOfWhatIsNotPendingAreIgnored) {
  CreateStreamWithGroup();
  const EntryId a = Append("a");
  const EntryId unread = Append("b");
  ReadGroup("me", 1);
  EXPECT_EQ(Ack({a, a, unread, EntryId{1, 1}}), 1u);
  EXPECT_EQ(Ack({a}), 0u);
  EXPECT_THAT(ReadGroup("me"), ElementsAre("b"));
}

TEST_P(StoreConformanceTest, PendingEntriesArePaged) {
  CreateStreamWithGroup();
  std::vector<EntryId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Append("x"));
  // Alternately, so that the order is the ids' and not the consumers'.
  for (int i = 0; i < 5; ++i) ReadGroup(i % 2 == 0 ? "me" : "you", 1);
  ReadPendingRequest request{.stream = kStream, .group = group_, .max_entries = 2};
  std::vector<EntryId> paged;
  for (;;) {
    const auto page = Await<std::vector<PendingEntry>>(
        [&](auto done) { a_->ReadPending(request, std::move(done)); });
    ASSERT_TRUE(page.ok()) << page.status();
    if (page->empty()) break;
    ASSERT_LE(page->size(), 2u);
    for (const PendingEntry& entry : *page) paged.push_back(entry.id);
    request.after = paged.back();
  }
  EXPECT_EQ(paged, ids);
}

TEST_P(StoreConformanceTest, ConsumersAreThoseThatHaveRead) {
  CreateStreamWithGroup();
  EXPECT_THAT(Consumers(), IsEmpty());
  Append("a");
  Append("b");
  ReadGroup("me", 1);
  ReadGroup("you", 1);
  EXPECT_THAT(Consumers(), ElementsAre("me:1", "you:1"));
  Ack(PendingIds("me"));
  EXPECT_THAT(Consumers(), ElementsAre("me:0", "you:1"));
}

TEST_P(StoreConformanceTest, AConsumerIsRemovedOnlyWhenNothingIsPendingForIt) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("me", 1);
  EXPECT_FALSE(RemoveConsumer("me"));
  EXPECT_THAT(PendingIds("me"), ElementsAre(id));
  Ack({id});
  EXPECT_TRUE(RemoveConsumer("me"));
  EXPECT_THAT(Consumers(), IsEmpty());
  EXPECT_TRUE(RemoveConsumer("me"));
}

TEST_P(StoreConformanceTest, AReadAfterRemovalBringsTheConsumerBack) {
  CreateStreamWithGroup();
  Append("a");
  ASSERT_TRUE(RemoveConsumer("me"));
  EXPECT_THAT(ReadGroup("me"), ElementsAre("a"));
  EXPECT_THAT(Consumers(), ElementsAre("me:1"));
}

}  // namespace
}  // namespace eventbus
