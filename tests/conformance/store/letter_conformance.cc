// Dead letters: written with what becomes of the entry, read, removed, redriven.

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

NewLetter Letter(uint32_t index, absl::string_view event, std::string details) {
  return {index, Bytes::FromString(std::string(event)), std::move(details)};
}

TEST_P(StoreConformanceTest, ALetterIsWrittenAndTheEntryGoesOn) {
  CreateStreamWithGroup();
  const EntryId id = Append("ab", 2);
  ReadGroup("me");
  EXPECT_EQ(Bury("me", {{id, {Letter(1, "b", "reason")}, "record"}}).entries, 1U);
  EXPECT_THAT(LetterTexts(), ElementsAre("b/reason"));
  EXPECT_EQ(CountLetters(), 1U);
  EXPECT_THAT(PendingIds("me"), ElementsAre(id));
  EXPECT_THAT(ReadStates({id}), ElementsAre(absl::StrCat(id.ToString(), "=record")));
}

TEST_P(StoreConformanceTest, WithoutARecordTheEntryIsAcknowledged) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("me");
  WriteStates("me", {{id, "old"}});
  EXPECT_EQ(Bury("me", {{id, {Letter(0, "a", "reason")}, ""}}).entries, 1U);
  EXPECT_THAT(PendingIds(), IsEmpty());
  EXPECT_THAT(ReadStates({id}), IsEmpty());
  EXPECT_THAT(LetterTexts(), ElementsAre("a/reason"));
}

TEST_P(StoreConformanceTest, DoneTwiceItWritesEachLetterOnce) {
  CreateStreamWithGroup();
  const EntryId id = Append("ab", 2);
  ReadGroup("me");
  Bury("me", {{id, {Letter(0, "a", "first")}, "record"}});
  Bury("me", {{id, {Letter(0, "a", "first"), Letter(1, "b", "second")}, "record"}});
  EXPECT_THAT(LetterTexts(), ElementsAre("a/first", "b/second"));
  Bury("me", {{id, {Letter(1, "b", "second")}, ""}});
  EXPECT_THAT(LetterTexts(), ElementsAre("a/first", "b/second"));
  EXPECT_EQ(Bury("me", {{id, {Letter(1, "b", "second")}, ""}}).entries, 0U);
  EXPECT_THAT(LetterTexts(), ElementsAre("a/first", "b/second"));
}

TEST_P(StoreConformanceTest, WhatIsNotPendingForTheConsumerIsNotBuried) {
  CreateStreamWithGroup();
  const EntryId yours = Append("a");
  ReadGroup("you");
  const EntryId unread = Append("b");
  const BuryResult result =
      Bury("me", {{yours, {Letter(0, "a", "")}, ""}, {unread, {Letter(0, "b", "")}, ""}});
  EXPECT_EQ(result.entries, 0U);
  EXPECT_THAT(LetterTexts(), IsEmpty());
  EXPECT_THAT(PendingIds("you"), ElementsAre(yours));
}

TEST_P(StoreConformanceTest, BeyondTheBoundTheOldestLettersGo) {
  CreateStreamWithGroup();
  std::vector<BuriedEntry> entries;
  for (const char* value : {"a", "b", "c"})
    entries.push_back({Append(value), {Letter(0, value, "")}, ""});
  ReadGroup("me");
  const BuryResult result = Bury("me", std::move(entries), {absl::Hours(1), 2});
  EXPECT_EQ(result.entries, 3U);
  EXPECT_EQ(result.dropped_letters, 1U);
  EXPECT_THAT(LetterTexts(), ElementsAre("b/", "c/"));
}

TEST_P(StoreConformanceTest, LettersAreReadInPagesAndRemoved) {
  CreateStreamWithGroup();
  for (const char* value : {"a", "b", "c"}) BuryOne(value);
  const std::vector<StoredLetter> first = ReadLetters(*a_, EntryId::Min(), 2);
  ASSERT_EQ(first.size(), 2U);
  const std::vector<StoredLetter> rest = ReadLetters(*a_, first[1].id.Next());
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].event.view(), "c");
  const auto removed = Await<uint64_t>([&](auto done) {
    a_->RemoveLetters(kStream, group_.name, {first[0].id, rest[0].id, EntryId{1, 1}},
                      std::move(done));
  });
  EXPECT_EQ(*removed, 2U);
  EXPECT_THAT(LetterTexts(), ElementsAre("b/why"));
  EXPECT_EQ(*Await<uint64_t>(
                [&](auto done) { a_->RemoveLetters(kStream, group_.name, {}, std::move(done)); }),
            0U);
}

TEST_P(StoreConformanceTest, WhereNothingDiedThereAreNoLetters) {
  CreateStreamWithGroup();
  EXPECT_THAT(ReadLetters(*a_), IsEmpty());
  EXPECT_EQ(CountLetters(), 0U);
  EXPECT_THAT(Redrive({EntryId{1, 0}}), IsEmpty());
}

TEST_P(StoreConformanceTest, ARedrivenLetterIsReadFromTheSideStreamWithWhatItSaid) {
  CreateStreamWithGroup();
  BuryOne("a");
  BuryOne("b");
  const std::vector<StoredLetter> letters = ReadLetters(*a_);
  b_hears_.advanced.clear();
  EXPECT_THAT(Redrive({letters[1].id, EntryId{1, 1}}), ElementsAre(letters[1].id));
  EXPECT_THAT(LetterTexts(), ElementsAre("a/why"));
  const auto read =
      TryReadGroup(*b_, {SideStreamOf(kStream, group_.name), SideGroupOf(group_.name), "me", 10});
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->entries.size(), 1U);
  EXPECT_EQ(read->entries[0].value.view(), "b");
  EXPECT_EQ(read->entries[0].note, "why");
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
  EXPECT_THAT(b_hears_.advanced, ElementsAre(SideStreamOf(kStream, group_.name)));
  // What was read there is claimed with its note.
  const auto claimed = TryClaim(
      *a_, {SideStreamOf(kStream, group_.name), SideGroupOf(group_.name), "me", "heir", 10});
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  ASSERT_EQ(claimed->entries.size(), 1U);
  EXPECT_EQ(claimed->entries[0].entry.note, "why");
}

TEST_P(StoreConformanceTest, DroppingThemLeavesNothing) {
  CreateStreamWithGroup();
  BuryOne("a");
  BuryOne("b");
  Redrive({ReadLetters(*a_)[0].id});
  EXPECT_TRUE(
      AwaitStatus([&](auto done) { a_->DropLetters(kStream, group_.name, std::move(done)); }).ok());
  EXPECT_THAT(LetterTexts(), IsEmpty());
  EXPECT_EQ(
      TryReadGroup(*a_, {SideStreamOf(kStream, group_.name), SideGroupOf(group_.name), "me", 10})
          .status()
          .code(),
      kNotFound);
}

}  // namespace
}  // namespace eventbus
