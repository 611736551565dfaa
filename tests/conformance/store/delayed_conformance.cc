// Delayed events: kept, listed, cancelled, moved into the log when they are due.
#include <cstdint>
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
using ::testing::SizeIs;

constexpr DeliveryDelay kNow = {.after = absl::ZeroDuration()};
constexpr DeliveryDelay kSoon = {.after = absl::Milliseconds(30)};
constexpr DeliveryDelay kNever = {.after = absl::Hours(1)};

DeliveryDelay At(int64_t ms) { return {.at = absl::FromUnixMillis(ms)}; }

std::vector<std::string> FramesOf(const std::vector<DelayedEvent>& events) {
  std::vector<std::string> frames;
  for (const DelayedEvent& event : events) frames.emplace_back(event.frame.view());
  return frames;
}

// Far in the future, so that nothing is due.
constexpr int64_t kFar = 4'000'000'000'000;

TEST_P(StoreConformanceTest, DelayedEventsAreNotInTheLogUntilTheyAreMoved) {
  CreateStreamWithGroup();
  const AppendOnceResult delayed = Delay({{"one", kSoon}, {"two", kSoon}});
  ASSERT_THAT(delayed.events, SizeIs(2));
  EXPECT_EQ(delayed.waiting, 2U);
  EXPECT_NE(delayed.events[0].delayed_id, "");
  EXPECT_NE(delayed.events[0].delayed_id, delayed.events[1].delayed_id);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(delayed.events[0].due - delayed.store_time), 30, 2);
  EXPECT_EQ(MoveDue().events, 0U);
  EXPECT_THAT(Values(), IsEmpty());
  ASSERT_TRUE(WaitUntilDue(delayed.events[0].due));
  const MoveDueResult moved = MoveDue();
  EXPECT_EQ(moved.events, 2U);
  EXPECT_EQ(moved.bytes, 6U);
  EXPECT_EQ(moved.waiting, 0U);
  EXPECT_FALSE(moved.next_due.has_value());
  EXPECT_THAT(ReadGroup("me"), ElementsAre("one", "two"));
  EXPECT_EQ(MoveDue().events, 0U);
}

TEST_P(StoreConformanceTest, DelayingOnAMissingStreamIsNotFound) {
  EXPECT_EQ(TryAppendOnce(*a_, DelayRequestOf({{"one", kSoon}})).status().code(), kNotFound);
}

TEST_P(StoreConformanceTest, WhatIsDueIsMovedInTheOrderOfItsTimes) {
  CreateStream();
  Delay({{"c", At(3000)}, {"a", At(1000)}, {"b2", At(2000)}, {"far", kNever}});
  Delay({{"b3", At(2000)}});
  const MoveDueResult moved = MoveDue();
  EXPECT_EQ(moved.events, 4U);
  EXPECT_EQ(moved.waiting, 1U);
  ASSERT_TRUE(moved.next_due.has_value());
  EXPECT_GT(*moved.next_due, moved.store_time + absl::Minutes(59));
  EXPECT_THAT(Values(), ElementsAre("a", "b2", "b3", "c"));
}

TEST_P(StoreConformanceTest, MovingKeepsToItsBounds) {
  CreateStream();
  DelayedFrames many;
  for (int i = 0; i < 250; ++i) many.emplace_back("12345678", kNow);
  Delay(many);
  MoveDueRequest request{.stream = kStream, .max_events = 100, .max_events_per_entry = 7};
  MoveDueResult moved = MoveDue(request);
  EXPECT_EQ(moved.events, 100U);
  EXPECT_EQ(moved.waiting, 150U);
  EXPECT_LE(*moved.next_due, moved.store_time);
  EXPECT_EQ(Info().entries, 15U);
  request.max_bytes = 80;
  EXPECT_EQ(MoveDue(request).events, 10U);
  request = {.stream = kStream, .max_entry_bytes = 16};
  const uint64_t before = Info().entries;
  EXPECT_EQ(MoveDue(request).events, 140U);
  EXPECT_EQ(Info().entries - before, 70U);
}

TEST_P(StoreConformanceTest, FewDueEventsAreNotPutTogether) {
  CreateStream();
  Delay({{"a", kNow}, {"b", kNow}, {"c", kNow}});
  MoveDue();
  EXPECT_THAT(Values(), ElementsAre("a", "b", "c"));
}

TEST_P(StoreConformanceTest, OfTwoWhoMoveAtOnceEachEventIsMovedOnce) {
  CreateStream();
  DelayedFrames many;
  for (int i = 0; i < 100; ++i) many.emplace_back("x", kNow);
  Delay(many);
  uint64_t events = 0;
  int answers = 0;
  world_->Run([&] {
    for (StreamStore* store : {a_.get(), b_.get(), a_.get(), b_.get()}) {
      store->MoveDue({.stream = kStream, .max_events = 60},
                     [&](const absl::StatusOr<MoveDueResult>& moved) {
                       ++answers;
                       if (moved.ok()) events += moved->events;
                     });
    }
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return answers == 4; }));
  EXPECT_EQ(events, 100U);
  EXPECT_EQ(Info().events, 100U);
}

TEST_P(StoreConformanceTest, ImmediateAndDelayedEventsOfOneRequest) {
  CreateStream();
  const AppendOnceResult result =
      Delay({{"now", std::nullopt}, {"later", kNever}, {"now too", std::nullopt}});
  EXPECT_THAT(Values(), ElementsAre("nownow too"));
  EXPECT_EQ(result.events[2].position.index, 1U);
  EXPECT_EQ(result.events[0].delayed_id, "");
  EXPECT_EQ(result.events[1].position, Position());
}

TEST_P(StoreConformanceTest, OthersHearOfWhatIsMoved) {
  CreateStream();
  Delay({{"a", kNow}});
  world_->LetEverythingArrive();
  b_hears_.advanced.clear();
  MoveDue();
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
}

TEST_P(StoreConformanceTest, TheStreamThatIsDueNextIsListedFirst) {
  CreateStream("late");
  CreateStream("early");
  CreateStream();
  EXPECT_THAT(DueStreams(), IsEmpty());
  Delay({{"a", At(kFar + 5)}}, "late");
  Delay({{"b", At(kFar + 1)}, {"c", At(kFar)}}, "early");
  Delay({{"d", At(kFar + 9)}}, "late");
  EXPECT_THAT(DueStreams(), ElementsAre("early:0", "late:5"));
  Delay({{"e", At(kFar + 2)}}, "late");
  EXPECT_THAT(DueStreams(), ElementsAre("early:0", "late:2"));
  EXPECT_THAT(DueStreams(1), ElementsAre("early:0"));
}

TEST_P(StoreConformanceTest, AfterAMoveTheStreamIsListedWithWhatIsDueNext) {
  CreateStream();
  Delay({{"a", kNow}, {"b", At(kFar + 7)}});
  MoveDue();
  EXPECT_THAT(DueStreams(), ElementsAre(absl::StrCat(kStream, ":7")));
  const auto page = ListDelayed({.stream = kStream});
  ASSERT_THAT(page, SizeIs(1));
  Cancel(page[0].id);
  MoveDue();
  EXPECT_THAT(DueStreams(), IsEmpty());
}

TEST_P(StoreConformanceTest, InfoOfDelayedEvents) {
  const auto info = [&](std::string stream) {
    return Await<DelayedInfo>(
        [&](auto done) { a_->GetDelayedInfo(std::move(stream), std::move(done)); });
  };
  EXPECT_EQ(info("no.such")->waiting, 0U);
  CreateStream();
  EXPECT_FALSE(info(kStream)->next_due.has_value());
  Delay({{"a", At(kFar + 1)}, {"b", At(kFar)}});
  EXPECT_EQ(info(kStream)->waiting, 2U);
  EXPECT_EQ(info(kStream)->next_due, absl::FromUnixMillis(kFar));
}

TEST_P(StoreConformanceTest, DelayedEventsAreListedByPages) {
  CreateStream();
  DelayedFrames many;
  for (int i = 0; i < 130; ++i) many.emplace_back(absl::StrCat("same", i), At(kFar + 1));
  Delay(many);
  Delay({{"last", At(kFar + 2)}, {"first", At(kFar)}});
  std::vector<std::string> frames;
  ListDelayedRequest request{.stream = kStream, .max_events = 50};
  while (true) {
    const auto page = ListDelayed(request);
    if (page.empty()) break;
    for (std::string& frame : FramesOf(page)) frames.push_back(std::move(frame));
    request.due_from = page.back().due;
    request.after_id = page.back().id;
  }
  ASSERT_THAT(frames, SizeIs(132));
  EXPECT_EQ(frames.front(), "first");
  EXPECT_EQ(frames[1], "same0");
  EXPECT_EQ(frames[130], "same129");
  EXPECT_EQ(frames.back(), "last");
}

TEST_P(StoreConformanceTest, APageGoesOnBehindAnEventThatIsGone) {
  CreateStream();
  const AppendOnceResult delayed = Delay({{"a", At(kFar)}, {"b", At(kFar)}, {"c", At(kFar)}});
  Cancel(delayed.events[1].delayed_id);
  EXPECT_THAT(FramesOf(ListDelayed({.stream = kStream,
                                    .due_from = absl::FromUnixMillis(kFar),
                                    .after_id = delayed.events[1].delayed_id})),
              ElementsAre("c"));
}

TEST_P(StoreConformanceTest, APageOfDelayedEventsIsBoundedByTimeAndBytes) {
  CreateStream();
  Delay({{"aaaa", At(kFar)}, {"bbbb", At(kFar + 1)}, {"cccc", At(kFar + 2)}});
  EXPECT_THAT(
      FramesOf(ListDelayed({.stream = kStream, .due_before = absl::FromUnixMillis(kFar + 2)})),
      ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(FramesOf(ListDelayed({.stream = kStream, .max_bytes = 1})), ElementsAre("aaaa"));
  const auto page = ListDelayed({.stream = kStream});
  EXPECT_EQ(page[1].due, absl::FromUnixMillis(kFar + 1));
  EXPECT_LT(page[1].stored, page[1].due);
}

TEST_P(StoreConformanceTest, ACancelledEventIsGoneAndAnswered) {
  CreateStream();
  const AppendOnceResult delayed = Delay({{"a", kNow}, {"b", kNow}});
  const auto cancelled = TryCancel(delayed.events[0].delayed_id);
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->frame.view(), "a");
  EXPECT_EQ(cancelled->due, delayed.events[0].due);
  EXPECT_EQ(TryCancel(delayed.events[0].delayed_id).status().code(), kNotFound);
  EXPECT_EQ(TryCancel("nonsense").status().code(), kNotFound);
  MoveDue();
  EXPECT_THAT(Values(), ElementsAre("b"));
  EXPECT_EQ(TryCancel(delayed.events[1].delayed_id).status().code(), kNotFound);
}

TEST_P(StoreConformanceTest, ADelayedEventThatComesAgainIsADuplicateOfTheFirst) {
  CreateStream();
  AppendOnceRequest request = OnceRequestOf({{"k", "one"}, {"k", "one"}, {"l", "two"}});
  for (OnceEvent& event : request.events) event.delay = kNow;
  const auto first = TryAppendOnce(*a_, request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->events[0].duplicate);
  EXPECT_TRUE(first->events[1].duplicate);
  EXPECT_EQ(first->events[1].delayed_id, first->events[0].delayed_id);
  MoveDue();
  // Whether it still waits or not, and is to be delivered later or not.
  const auto again = TryAppendOnce(*b_, OnceRequestOf({{"k", "one"}}));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->events[0].duplicate);
  EXPECT_EQ(again->events[0].delayed_id, first->events[0].delayed_id);
  EXPECT_THAT(Values(), ElementsAre("one", "two"));
}

TEST_P(StoreConformanceTest, NothingIsDueOnAStreamThatIsGone) {
  CreateStream();
  Delay({{"one", kNever}});
  const auto streams_due = [this] {
    const auto due = Await<ListDueResult>([&](auto done) { b_->ListDue(0, std::move(done)); });
    return due.ok() ? due->streams.size() : SIZE_MAX;
  };
  ASSERT_TRUE(world_->WaitUntil([&] { return streams_due() == 1; }));
  EXPECT_TRUE(AwaitStatus([&](auto done) { a_->DeleteStream(kStream, {}, std::move(done)); }).ok());
  EXPECT_TRUE(AwaitStatus([&](auto done) { a_->UnregisterType(kStream, std::move(done)); }).ok());
  EXPECT_EQ(streams_due(), 0U);
}

TEST_P(StoreConformanceTest, WhatIsInTheLogIsNotDelayedAgain) {
  CreateStream();
  const auto first = AppendOnce({{"k", "one"}});
  AppendOnceRequest request = OnceRequestOf({{"k", "one"}});
  request.events[0].delay = kNever;
  const auto again = TryAppendOnce(*a_, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->events[0].duplicate);
  EXPECT_EQ(again->events[0].position, first[0].position);
  EXPECT_EQ(again->waiting, 0U);
}

}  // namespace
}  // namespace eventbus
