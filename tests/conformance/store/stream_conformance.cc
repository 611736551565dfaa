// Appending, creating streams, ranges, and how calls answer.

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

TEST_P(StoreConformanceTest, AppendToAStreamThatDoesNotExistIsNotFoundAndCreatesNothing) {
  EXPECT_EQ(TryAppend(*a_, kStream, "lost").status().code(), kNotFound);
  EXPECT_EQ(TryAppend(*a_, kStream, "lost").status().code(), kNotFound);
}

TEST_P(StoreConformanceTest, EveryCallOnAMissingStreamIsNotFoundExceptTheHarmlessOnes) {
  EXPECT_EQ(Await<StreamInfo>([&](auto done) { a_->GetStreamInfo("no.such", std::move(done)); })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(Await<std::vector<Entry>>(
                [&](auto done) { a_->ReadRange({.stream = "no.such"}, std::move(done)); })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(Await<TrimResult>([&](auto done) { a_->Trim({.stream = "no.such"}, std::move(done)); })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(CreateGroup("no.such", group_, std::nullopt).code(), kNotFound);
  EXPECT_TRUE(
      AwaitStatus([&](auto done) { a_->DestroyGroup("no.such", group_, std::move(done)); }).ok());
  const auto acked = Await<uint64_t>([&](auto done) {
    a_->Ack("no.such", group_, {{1, 0}}, std::move(done));
  });
  ASSERT_TRUE(acked.ok()) << acked.status();
  EXPECT_EQ(*acked, 0u);
}

TEST_P(StoreConformanceTest, WhatWasAppendedIsReadBackByteForByteInOrder) {
  CreateStream();
  const std::string binary("\0\r\n$5\xff*", 7);
  const EntryId first = Append("one");
  const EntryId second = Append(binary);
  const EntryId third = Append(std::string(100'000, 'x'));
  EXPECT_LT(EntryId::Min(), first);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  const std::vector<Entry> entries = ReadRange({.stream = kStream});
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].id, first);
  EXPECT_EQ(entries[1].id, second);
  EXPECT_EQ(entries[2].id, third);
  EXPECT_THAT(ValuesOf(entries), ElementsAre("one", binary, std::string(100'000, 'x')));
}

TEST_P(StoreConformanceTest, CallsOnAStreamTakeEffectInTheOrderInWhichTheyWereMade) {
  CreateStream();
  int answers = 0;
  world_->Run([&] {
    for (int i = 0; i < 50; ++i) {
      a_->Append(EntryOf(kStream, absl::StrCat(i)), [&](absl::StatusOr<EntryId> id) {
        EXPECT_TRUE(id.ok()) << id.status();
        ++answers;
      });
    }
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return answers == 50; }));
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) expected.push_back(absl::StrCat(i));
  EXPECT_EQ(Values(), expected);
}

TEST_P(StoreConformanceTest, AReadSeesTheAppendThatWasCalledBeforeItInTheSameTurn) {
  CreateStreamWithGroup();
  std::vector<std::string> read;
  bool answered = false;
  world_->Run([&] {
    a_->Append(EntryOf(kStream, "one"), [](absl::StatusOr<EntryId>) {});
    a_->ReadGroup({kStream, group_, "me", 10}, [&](absl::StatusOr<ReadGroupResult> result) {
      answered = true;
      if (result.ok()) read = ValuesOf(result->entries);
    });
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return answered; }));
  EXPECT_THAT(read, ElementsAre("one"));
}

TEST_P(StoreConformanceTest, NoCallAnswersBeforeItHasReturned) {
  CreateStreamWithGroup();
  int answers = 0;
  int answered_within = -1;
  world_->Run([&] {
    const auto count = [&](const auto&) { ++answers; };
    a_->Append(EntryOf(kStream, "one"), count);
    a_->ReadRange({.stream = kStream}, count);
    a_->ReadGroup({kStream, group_, "me", 1}, count);
    a_->Ack(kStream, group_, {}, count);
    a_->ListTypes(count);
    a_->GetStreamInfo("no.such", count);
    a_->Append(EntryOf("no.such", "one"), count);
    a_->Leave("nobody", count);
    answered_within = answers;
  });
  EXPECT_EQ(answered_within, 0);
  EXPECT_TRUE(world_->WaitUntil([&] { return answers == 8; }));
}

TEST_P(StoreConformanceTest, NothingAnswersAfterTheStoreObjectIsDestroyed) {
  CreateStream();
  bool answered = false;
  world_->Run([&] {
    a_->Append(EntryOf(kStream, "one"), [&](absl::StatusOr<EntryId>) { answered = true; });
  });
  world_->Run([&] {
    if (!answered) a_.reset();
    answered = false;
  });
  world_->LetEverythingArrive();
  EXPECT_FALSE(answered);
}

TEST_P(StoreConformanceTest, AnAnswerMayDestroyTheStoreObjectAndTheOthersDoNotCome) {
  CreateStream();
  int answers = 0;
  world_->Run([&] {
    for (int i = 0; i < 3; ++i) {
      a_->Append(EntryOf(kStream, "one"), [&](absl::StatusOr<EntryId>) {
        ++answers;
        a_.reset();
      });
    }
  });
  world_->LetEverythingArrive();
  EXPECT_EQ(answers, 1);
}

TEST_P(StoreConformanceTest, AnAnswerMayMakeTheNextCall) {
  CreateStream();
  std::vector<std::string> values;
  world_->Run([&] {
    a_->Append(EntryOf(kStream, "one"), [&](absl::StatusOr<EntryId>) {
      a_->ReadRange({.stream = kStream}, [&](absl::StatusOr<std::vector<Entry>> entries) {
        if (entries.ok()) values = ValuesOf(*entries);
      });
    });
  });
  EXPECT_TRUE(world_->WaitUntil([&] { return !values.empty(); }));
  EXPECT_THAT(values, ElementsAre("one"));
}

TEST_P(StoreConformanceTest, BothInstancesSeeOneLog) {
  CreateStream();
  ASSERT_TRUE(TryAppend(*a_, kStream, "of a").ok());
  ASSERT_TRUE(TryAppend(*b_, kStream, "of b").ok());
  EXPECT_THAT(Values(), ElementsAre("of a", "of b"));
}

TEST_P(StoreConformanceTest, CreateStreamAppendsAndItsGroupsGetThatEntry) {
  const GroupKey other{"billing", 3};
  const auto created = Await<CreateStreamResult>([&](auto done) {
    a_->CreateStream({kStream, {group_, other}, EntryOf(kStream, "first")}, std::move(done));
  });
  ASSERT_TRUE(created.ok()) << created.status();
  ASSERT_TRUE(created->appended.has_value());
  EXPECT_EQ(*created->appended, Info().last);
  EXPECT_THAT(ReadGroup("me"), ElementsAre("first"));
  EXPECT_THAT(ReadGroup(other, "me"), ElementsAre("first"));
}

TEST_P(StoreConformanceTest, CreateStreamLeavesWhatExistsAsItIsAndAppends) {
  CreateStreamWithGroup();
  Append("one");
  ASSERT_THAT(ReadGroup("me"), ElementsAre("one"));
  const GroupKey late{"late", 1};
  const auto again = Await<CreateStreamResult>([&](auto done) {
    b_->CreateStream({kStream, {group_, late}, EntryOf(kStream, "two")}, std::move(done));
  });
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(Values(), ElementsAre("one", "two"));
  EXPECT_THAT(ReadGroup("me"), ElementsAre("two"));
  EXPECT_THAT(ReadGroup(late, "me"), ElementsAre("one", "two"));
}

TEST_P(StoreConformanceTest, CreateStreamWithoutAnAppendMakesAnEmptyStream) {
  const auto created = Await<CreateStreamResult>([&](auto done) {
    a_->CreateStream({kStream, {}, std::nullopt}, std::move(done));
  });
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_FALSE(created->appended.has_value());
  const StreamInfo info = Info();
  EXPECT_EQ(info.entries, 0u);
  EXPECT_EQ(info.events, 0u);
  EXPECT_EQ(info.bytes, 0u);
  EXPECT_EQ(info.last, EntryId::Min());
  EXPECT_EQ(info.first, info.last.Next());
  EXPECT_THAT(Values(), IsEmpty());
}

TEST_P(StoreConformanceTest, StreamInfoCountsEntriesEventsAndBytes) {
  CreateStream();
  const EntryId first = Append("12345", 3);
  const EntryId last = Append("1234567", 1);
  const StreamInfo info = Info();
  EXPECT_EQ(info.entries, 2u);
  EXPECT_EQ(info.events, 4u);
  EXPECT_EQ(info.bytes, 12u);
  EXPECT_EQ(info.first, first);
  EXPECT_EQ(info.last, last);
  EXPECT_GE(static_cast<uint64_t>(absl::ToUnixMillis(info.store_time)), last.ms);
}

TEST_P(StoreConformanceTest, ARangeIncludesBothItsEnds) {
  CreateStream();
  std::vector<EntryId> ids;
  for (const char* value : {"a", "b", "c", "d", "e"}) ids.push_back(Append(value));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .from = ids[1], .to = ids[3]})),
              ElementsAre("b", "c", "d"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .from = ids[3].Next()})), ElementsAre("e"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .from = ids[3], .to = ids[1]})), IsEmpty());
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .from = ids[4].Next()})), IsEmpty());
}

TEST_P(StoreConformanceTest, ARangeStopsAtItsMaximumOfEntriesOnEitherEnd) {
  CreateStream();
  std::vector<EntryId> ids;
  for (const char* value : {"a", "b", "c", "d", "e"}) ids.push_back(Append(value));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .max_entries = 2})), ElementsAre("a", "b"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .max_entries = 2, .newest_first = true})),
              ElementsAre("e", "d"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream,
                                  .from = ids[1],
                                  .to = ids[3],
                                  .max_entries = 10,
                                  .newest_first = true})),
              ElementsAre("d", "c", "b"));
}

TEST_P(StoreConformanceTest, ARangeStopsBeforeItsMaximumOfBytesButGivesAtLeastOne) {
  CreateStream();
  for (const char* value : {"1234", "5678", "90"}) Append(value);
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .max_bytes = 8})),
              ElementsAre("1234", "5678"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .max_bytes = 9})),
              ElementsAre("1234", "5678"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .max_bytes = 1})), ElementsAre("1234"));
  EXPECT_THAT(ValuesOf(ReadRange({.stream = kStream, .max_bytes = 6, .newest_first = true})),
              ElementsAre("90", "5678"));
}

}  // namespace
}  // namespace eventbus
