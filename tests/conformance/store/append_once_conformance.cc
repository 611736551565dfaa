// Appending what is not there yet.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;

// Which of them are duplicates.
std::vector<bool> Duplicates(const std::vector<OnceOutcome>& outcomes) {
  std::vector<bool> duplicates;
  duplicates.reserve(outcomes.size());
  for (const OnceOutcome& outcome : outcomes) duplicates.push_back(outcome.duplicate);
  return duplicates;
}

TEST_P(StoreConformanceTest, AppendOnceOnAMissingStreamIsNotFoundAndRemembersNothing) {
  EXPECT_EQ(TryAppendOnce(*a_, OnceRequestOf({{"k", "one"}})).status().code(), kNotFound);
  CreateStream();
  EXPECT_THAT(Duplicates(AppendOnce({{"k", "one"}})), ElementsAre(false));
  EXPECT_THAT(Values(), ElementsAre("one"));
}

TEST_P(StoreConformanceTest, NewEventsShareAnEntryInTheirOrder) {
  CreateStream();
  const auto outcomes = AppendOnce({{"a", "one"}, {"b", "two"}, {"c", "three"}});
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_THAT(Duplicates(outcomes), ElementsAre(false, false, false));
  const std::vector<Entry> entries = ReadRange({.stream = kStream});
  EXPECT_THAT(ValuesOf(entries), ElementsAre("onetwothree"));
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(outcomes[i].position, (Position{entries[0].id, i}));
  EXPECT_EQ(Info().events, 3U);
}

TEST_P(StoreConformanceTest, TheSameKeyAgainAnswersWithTheFirstPositionAndAppendsNothing) {
  CreateStream();
  const auto first = AppendOnce({{"a", "one"}, {"b", "two"}});
  const auto again = AppendOnce({{"b", "other bytes"}});
  EXPECT_THAT(Duplicates(again), ElementsAre(true));
  EXPECT_EQ(again[0].position, first[1].position);
  EXPECT_THAT(Values(), ElementsAre("onetwo"));
}

TEST_P(StoreConformanceTest, WhatOneInstanceHasAppendedIsADuplicateOnAnother) {
  CreateStream();
  const auto first = AppendOnce({{"a", "one"}});
  const auto again = TryAppendOnce(*b_, OnceRequestOf({{"a", "one"}}));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->events[0].duplicate);
  EXPECT_EQ(again->events[0].position, first[0].position);
}

TEST_P(StoreConformanceTest, AnEntryIsBuiltFromWhatWasNotSeen) {
  CreateStream();
  const auto first = AppendOnce({{"b", "B"}, {"d", "D"}});
  const auto mixed = AppendOnce({{"a", "A"}, {"b", "B"}, {"c", "C"}, {"d", "D"}, {"e", "E"}});
  EXPECT_THAT(Duplicates(mixed), ElementsAre(false, true, false, true, false));
  EXPECT_THAT(Values(), ElementsAre("BD", "ACE"));
  const EntryId id = ReadRange({.stream = kStream}).back().id;
  EXPECT_EQ(mixed[0].position, (Position{id, 0}));
  EXPECT_EQ(mixed[1].position, first[0].position);
  EXPECT_EQ(mixed[2].position, (Position{id, 1}));
  EXPECT_EQ(mixed[3].position, first[1].position);
  EXPECT_EQ(mixed[4].position, (Position{id, 2}));
  EXPECT_EQ(Info().events, 5U);
}

TEST_P(StoreConformanceTest, TwoOfOneRequestAreOne) {
  CreateStream();
  const auto outcomes = AppendOnce({{"x", "X"}, {"a", "A"}, {"a", "A"}, {"b", "B"}});
  EXPECT_THAT(Duplicates(outcomes), ElementsAre(false, false, true, false));
  EXPECT_EQ(outcomes[2].position, outcomes[1].position);
  EXPECT_THAT(Values(), ElementsAre("XAB"));
}

TEST_P(StoreConformanceTest, WithoutAKeyNothingIsADuplicate) {
  CreateStream();
  EXPECT_THAT(Duplicates(AppendOnce({{"", "A"}, {"", "A"}, {"k", "K"}})),
              ElementsAre(false, false, false));
  EXPECT_THAT(Duplicates(AppendOnce({{"", "A"}, {"k", "K"}})), ElementsAre(false, true));
  EXPECT_THAT(Values(), ElementsAre("AAK", "A"));
}

TEST_P(StoreConformanceTest, StreamsDoNotShareKeys) {
  CreateStream();
  CreateStream("other");
  AppendOnce({{"a", "one"}});
  AppendOnceRequest request = OnceRequestOf({{"a", "one"}});
  request.stream = "other";
  const auto result = TryAppendOnce(*a_, std::move(request));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->events[0].duplicate);
}

TEST_P(StoreConformanceTest, KeysMayBeAnyBytesOfAnyLength) {
  CreateStream();
  const std::string longest(2000, 'k');
  const std::string binary("\0 \r\n$5\xff%", 8);
  AppendOnce({{longest, "L"}, {binary, "B"}, {longest + "x", "M"}});
  EXPECT_THAT(Duplicates(AppendOnce({{longest, "L"}, {binary, "B"}, {longest + "y", "N"}})),
              ElementsAre(true, true, false));
  EXPECT_THAT(Values(), ElementsAre("LBM", "N"));
}

TEST_P(StoreConformanceTest, AfterTheWindowTheSameKeyIsNewAndIsRememberedAnew) {
  CreateStream();
  constexpr absl::Duration kShort = absl::Milliseconds(2);
  AppendOnce({{"a", "one"}}, kShort);
  world_->LetEverythingArrive();
  const auto second = AppendOnce({{"a", "two"}});
  EXPECT_THAT(Duplicates(second), ElementsAre(false));
  const auto third = AppendOnce({{"a", "three"}});
  EXPECT_THAT(Duplicates(third), ElementsAre(true));
  EXPECT_EQ(third[0].position, second[0].position);
  EXPECT_THAT(Values(), ElementsAre("one", "two"));
}

TEST_P(StoreConformanceTest, AppendsOfEitherKindTakeEffectInTheOrderOfTheCalls) {
  CreateStream();
  int answers = 0;
  world_->Run([&] {
    for (int i = 0; i < 20; ++i) {
      a_->Append(EntryOf(kStream, absl::StrCat("p", i)), [&](const auto&) { ++answers; });
      a_->AppendOnce(OnceRequestOf({{absl::StrCat(i), absl::StrCat("o", i)}}),
                     [&](const auto&) { ++answers; });
    }
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return answers == 40; }));
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(absl::StrCat("p", i));
    expected.push_back(absl::StrCat("o", i));
  }
  EXPECT_EQ(Values(), expected);
}

TEST_P(StoreConformanceTest, OthersHearOfWhatWasAppendedOnce) {
  CreateStream();
  world_->LetEverythingArrive();
  b_hears_.advanced.clear();
  AppendOnce({{"a", "one"}});
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
}

TEST_P(StoreConformanceTest, AThousandEventsAreAppendedOnceTogether) {
  CreateStream();
  KeyedFrames events;
  for (int i = 0; i < 1000; ++i) events.emplace_back(absl::StrCat("key-", i), "f");
  EXPECT_EQ(AppendOnce(events).back().position.index, 999U);
  for (const OnceOutcome& outcome : AppendOnce(events)) EXPECT_TRUE(outcome.duplicate);
  EXPECT_EQ(Info().events, 1000U);
}

}  // namespace
}  // namespace eventbus
