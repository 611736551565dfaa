// What people do with dead letters: list, redrive, purge.
#include "server/broker/dead_letters.h"

#include <memory>
#include <optional>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/entry_reader.h"
#include "server/broker/event_scanner.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeadLettersTest : public testing::Test {
 protected:
  RecordingSink& Join(size_t instance = 0) {
    OpenRequest request;
    request.group = "work";
    request.patterns = {"*"};
    request.policy.max_retries = 0;
    return bus.Open(request, instance);
  }
  // Events that are rejected by the sink, one after the other.
  void Kill(RecordingSink& sink, const std::vector<std::pair<std::string, std::string>>& events) {
    for (const auto& [type, id] : events) {
      ASSERT_TRUE(bus.Publish(type, id).ok());
      ASSERT_FALSE(sink.received.empty());
      const uint64_t number = sink.received.back().delivery;
      bus.Settle(sink, {.rejects = {{{{number, number}}, "bad " + id}}});
    }
  }
  // Calls `start(letters, done)` on an instance and waits for the answer.
  template <typename T, typename Start>
  absl::StatusOr<T> Await(Start start, size_t instance = 0,
                          absl::Duration patience = absl::Seconds(5)) {
    auto answer = std::make_shared<std::optional<absl::StatusOr<T>>>();
    TestInstance& asked = bus.instance(instance);
    asked.process().Post([&asked, start, answer] {
      start(asked.broker().dead_letters(),
            [answer](absl::StatusOr<T> result) { *answer = std::move(result); });
    });
    bus.world().RunUntil([&] { return answer->has_value(); }, patience);
    if (!answer->has_value()) return absl::DeadlineExceededError("no answer");
    return **answer;
  }
  absl::StatusOr<LetterPage> List(ListLettersCommand command = {}, size_t instance = 0) {
    command.group = command.group.empty() ? "work" : command.group;
    return Await<LetterPage>(
        [command](DeadLetters& letters, auto done) { letters.List(command, std::move(done)); },
        instance);
  }
  absl::StatusOr<RedriveResult> Redrive(RedriveCommand command = {}, size_t instance = 0) {
    command.group = "work";
    auto result = Await<RedriveResult>(
        [command](DeadLetters& letters, auto done) { letters.Redrive(command, std::move(done)); },
        instance, absl::Minutes(1));
    bus.Run();
    return result;
  }
  absl::StatusOr<RedriveResult> Purge(PurgeLettersCommand command = {}) {
    command.group = "work";
    return Await<RedriveResult>(
        [command](DeadLetters& letters, auto done) { letters.Purge(command, std::move(done)); });
  }
  static std::vector<std::string> IdsOf(const absl::StatusOr<LetterPage>& page) {
    std::vector<std::string> ids;
    if (!page.ok()) return ids;
    for (const DeadLetter& letter : page->letters) {
      EntryReader reader(letter.event.view());
      FramedEvent framed;
      ScannedEvent event;
      FieldViolation violation;
      if (reader.Next(&framed) && ScanEvent(framed.event, EventLimits{}, &event, &violation)) {
        ids.emplace_back(event.id);
      }
    }
    return ids;
  }

  TestBus bus;
  absl::Duration begin_;
};

TEST_F(DeadLettersTest, AreListedInTheOrderOfTheirDeathsOverAllStreams) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}, {"b", "2"}, {"a", "3"}, {"c", "4"}});
  const auto page = List();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(IdsOf(page), ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(page->total, 4U);
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->letters[1].id.stream, "b");
  EXPECT_THAT(page->letters[1].details.reasons, ElementsAre("bad 2"));
}

TEST_F(DeadLettersTest, ComeInPagesOnEveryInstance) {
  RecordingSink& sink = Join();
  const size_t other = bus.AddInstance();
  for (int i = 0; i < 50; ++i) Kill(sink, {{i % 2 == 0 ? "a" : "b", std::to_string(i)}});
  std::vector<std::string> all;
  ListLettersCommand command;
  command.page_size = 7;
  for (int pages = 0; pages < 20; ++pages) {
    const auto page = List(command, other);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const std::string& id : IdsOf(page)) all.push_back(id);
    if (!page->more) break;
    EXPECT_THAT(page->letters, SizeIs(7));
    command.after = page->letters.back().id;
  }
  ASSERT_THAT(all, SizeIs(50));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(all[static_cast<size_t>(i)], std::to_string(i));
}

TEST_F(DeadLettersTest, AreChosenByTypeCauseTimeAndId) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}, {"b", "2"}});
  ASSERT_TRUE(bus.Publish("a", "3").ok());
  const uint64_t number = sink.received.back().delivery;
  bus.Settle(sink, {.nacks = {{{{number, number}}, {}, "tired"}}});
  ListLettersCommand by_type;
  by_type.selection.patterns = *PatternSet::Parse({"a"});
  EXPECT_THAT(IdsOf(List(by_type)), ElementsAre("1", "3"));
  ListLettersCommand by_cause;
  by_cause.selection.causes = {DeadLetterCause::kNacked};
  EXPECT_THAT(IdsOf(List(by_cause)), ElementsAre("3"));
  const auto all = List();
  ListLettersCommand by_time;
  by_time.selection.since =
      absl::FromUnixMillis(static_cast<int64_t>(all->letters[1].details.dead_ms));
  by_time.selection.until =
      absl::FromUnixMillis(static_cast<int64_t>(all->letters[2].details.dead_ms));
  EXPECT_THAT(IdsOf(List(by_time)), ElementsAre("2"));
  ListLettersCommand by_id;
  by_id.selection.ids = {all->letters[2].id, all->letters[0].id};
  EXPECT_THAT(IdsOf(List(by_id)), ElementsAre("1", "3"));
}

TEST_F(DeadLettersTest, OfAGroupThatIsNotThereAreNotFound) {
  EXPECT_EQ(ReasonOf(List({.group = "nobody"}).status()), Reason::kGroupNotFound);
}

TEST_F(DeadLettersTest, ARedrivenEventComesAgainWithItsIdAndPositionAndAFreshCount) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}, {"a", "2"}});
  const Position position = sink.received[0].position;
  const auto result = Redrive();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->redriven, 2U);
  ASSERT_THAT(sink.ids(), ElementsAre("1", "2", "1", "2"));
  const Received& again = sink.received[2];
  EXPECT_TRUE(again.redriven);
  EXPECT_EQ(again.stream, "a");
  EXPECT_EQ(again.position, position);
  EXPECT_EQ(again.attempt, 1U);
  EXPECT_THAT(IdsOf(List()), IsEmpty());
  bus.AckAll(sink);
  EXPECT_THAT(*bus.store().ReadPending({SideStreamOf("a", "work"), SideGroupOf("work"), ""}),
              IsEmpty());
}

TEST_F(DeadLettersTest, ARedrivenEventIsForItsGroupAlone) {
  RecordingSink& sink = Join();
  RecordingSink& other = bus.Join("other", {"*"});
  RecordingSink& tail = bus.Tail({"**"});
  Kill(sink, {{"a", "1"}});
  ASSERT_TRUE(Redrive().ok());
  EXPECT_THAT(sink.ids(), ElementsAre("1", "1"));
  EXPECT_THAT(other.ids(), ElementsAre("1"));
  EXPECT_THAT(tail.ids(), ElementsAre("1"));
}

TEST_F(DeadLettersTest, WhatDiesAgainSaysThatItHadBeenRedriven) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}});
  for (uint32_t times = 1; times <= 2; ++times) {
    ASSERT_TRUE(Redrive().ok());
    const uint64_t number = sink.received.back().delivery;
    bus.Settle(sink, {.nacks = {{{{number, number}}, {}, "again"}}});
    const auto page = List();
    ASSERT_THAT(IdsOf(page), ElementsAre("1"));
    EXPECT_EQ(page->letters[0].details.redriven, times);
    EXPECT_EQ(page->letters[0].details.position, sink.received[0].position);
  }
}

TEST_F(DeadLettersTest, AnInstanceThatServesTheGroupGetsWhatAnotherOneRedrives) {
  const size_t other = bus.AddInstance();
  RecordingSink& sink = Join(other);
  Kill(sink, {{"a", "1"}});
  ASSERT_TRUE(Redrive({}, 0).ok());
  bus.Run(absl::Seconds(1));
  EXPECT_THAT(sink.ids(), ElementsAre("1", "1"));
}

TEST_F(DeadLettersTest, WhatIsRedrivenWhileNobodyIsThereWaits) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}});
  bus.Close(sink);
  bus.Run(absl::Seconds(1));
  ASSERT_TRUE(Redrive().ok());
  bus.Run(absl::Seconds(1));
  const size_t later = bus.AddInstance();
  EXPECT_THAT(Join(later).ids(), ElementsAre("1"));
}

TEST_F(DeadLettersTest, ARedrivenEventSurvivesTheInstanceThatHasIt) {
  RecordingSink& sink = Join();
  const size_t other = bus.AddInstance();
  Kill(sink, {{"a", "1"}});
  ASSERT_TRUE(Redrive().ok());
  ASSERT_THAT(sink.ids(), ElementsAre("1", "1"));
  bus.instance(0).Kill();
  RecordingSink& heir = Join(other);
  bus.Run(absl::Seconds(20));
  ASSERT_THAT(heir.ids(), ElementsAre("1"));
  EXPECT_TRUE(heir.received[0].redriven);
}

TEST_F(DeadLettersTest, ATokenOfARedrivenEventSettlesIt) {
  OpenRequest request;
  request.group = "work";
  request.patterns = {"*"};
  request.tokens = true;
  RecordingSink& sink = bus.Open(request);
  ASSERT_TRUE(bus.Publish("a", "1").ok());
  bus.SettleTokens({SettleAction::Kind::kReject, {}, ""}, {sink.tokens[0]});
  ASSERT_TRUE(Redrive().ok());
  ASSERT_THAT(sink.tokens, SizeIs(2));
  EXPECT_EQ(bus.SettleTokens({}, {sink.tokens[1]}).done, 1U);
  EXPECT_THAT(*bus.store().ReadPending({SideStreamOf("a", "work"), SideGroupOf("work"), ""}),
              IsEmpty());
}

TEST_F(DeadLettersTest, RedrivingKeepsToItsRate) {
  RecordingSink& sink = Join();
  for (int i = 0; i < 30; ++i) Kill(sink, {{"a", std::to_string(i)}});
  RedriveCommand command;
  command.max_per_second = 10;
  const absl::Duration begin = bus.world().elapsed();
  ASSERT_EQ(Redrive(command)->redriven, 30U);
  const absl::Duration took = bus.world().elapsed() - begin;
  EXPECT_GT(took, absl::Seconds(2.5));
  EXPECT_LT(took, absl::Seconds(3.5));
}

TEST_F(DeadLettersTest, ADryRunCountsAndMovesNothing) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}, {"b", "2"}, {"a", "3"}});
  RedriveCommand command;
  command.dry_run = true;
  command.max_letters = 2;
  const auto result = Redrive(command);
  EXPECT_EQ(result->redriven, 2U);
  EXPECT_EQ(result->remaining, 1U);
  EXPECT_THAT(IdsOf(List()), SizeIs(3));
  EXPECT_THAT(sink.received, SizeIs(3));
}

TEST_F(DeadLettersTest, TheOldestGoFirstAndUnknownIdsAreTold) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}, {"b", "2"}, {"a", "3"}});
  const auto all = List();
  RedriveCommand some;
  some.max_letters = 1;
  EXPECT_EQ(Redrive(some)->redriven, 1U);
  EXPECT_THAT(IdsOf(List()), ElementsAre("2", "3"));
  RedriveCommand chosen;
  chosen.selection.ids = {all->letters[0].id, all->letters[2].id};
  const auto result = Redrive(chosen);
  EXPECT_EQ(result->redriven, 1U);
  EXPECT_THAT(result->not_found, ElementsAre(all->letters[0].id));
  EXPECT_THAT(IdsOf(List()), ElementsAre("2"));
}

TEST_F(DeadLettersTest, ARedriveThatNobodyWaitsForStops) {
  RecordingSink& sink = Join();
  for (int i = 0; i < 20; ++i) Kill(sink, {{"a", std::to_string(i)}});
  auto gone = std::make_shared<bool>(false);
  RedriveCommand command;
  command.max_per_second = 10;
  command.cancelled = [gone, this] {
    return *gone || bus.world().elapsed() > begin_ + absl::Seconds(1);
  };
  begin_ = bus.world().elapsed();
  EXPECT_EQ(Redrive(command).status().code(), absl::StatusCode::kCancelled);
  const size_t left = List()->letters.size();
  EXPECT_GT(left, 5U);
  EXPECT_LT(left, 15U);
}

TEST_F(DeadLettersTest, PurgedLettersAreGoneForGood) {
  RecordingSink& sink = Join();
  Kill(sink, {{"a", "1"}, {"b", "2"}, {"a", "3"}});
  PurgeLettersCommand dry;
  dry.dry_run = true;
  EXPECT_EQ(Purge(dry)->redriven, 3U);
  PurgeLettersCommand some;
  some.selection.patterns = *PatternSet::Parse({"a"});
  EXPECT_EQ(Purge(some)->redriven, 2U);
  EXPECT_THAT(IdsOf(List()), ElementsAre("2"));
  EXPECT_EQ(Purge()->redriven, 1U);
  EXPECT_EQ(List()->total, 0U);
}

TEST_F(DeadLettersTest, WhatDiedJustNowIsMeantToo) {
  RecordingSink& sink = Join();
  TestInstance& instance = bus.instance(0);
  // What it knows of the store's clock lags.
  instance.store().DelayNext(StoreCall::kHeartbeat, absl::Milliseconds(400));
  ASSERT_TRUE(bus.world().RunUntil(
      [&] { return instance.broker().StoreNow() < bus.world().Now() - absl::Milliseconds(300); },
      absl::Seconds(30)));
  Kill(sink, {{"a", "1"}, {"a", "2"}});
  const auto purged = Purge();
  ASSERT_TRUE(purged.ok()) << purged.status();
  EXPECT_EQ(purged->redriven, 2U);
}

TEST(LetterIdTest, IsReadAsItIsWritten) {
  const LetterId id = {{1700000000000, 2}, "order.placed"};
  EXPECT_EQ(id.ToString(), "1700000000000-2@order.placed");
  EXPECT_EQ(*LetterId::Parse(id.ToString()), id);
  for (const char* text : {"", "1-2", "1-2@", "@a", "x@a"}) {
    EXPECT_FALSE(LetterId::Parse(text).ok()) << text;
  }
}

// The pause between the first two letters of a slow redrive.
class SlowRedriveTest : public DeadLettersTest {
 protected:
  void SetUp() override {
    Kill(Join(), {{"a", "1"}, {"a", "2"}, {"a", "3"}});
    RedriveCommand command;
    command.group = "work";
    command.max_per_second = 0.001;
    command.cancelled = [this] { return cancelled; };
    bus.instance().process().Post([this, command] {
      bus.instance().broker().dead_letters().Redrive(
          command, [this, kept = std::exchange(held, nullptr)](const auto& result) {
            answer = result.status();
          });
    });
    bus.Run(absl::Seconds(1));
  }

  bool cancelled = false;
  std::shared_ptr<int> held = std::make_shared<int>();
  const std::weak_ptr<int> redrive = held;
  std::optional<absl::Status> answer;
};

TEST_F(SlowRedriveTest, HearsThatItIsCancelled) {
  ASSERT_FALSE(answer.has_value());
  cancelled = true;
  bus.Run(absl::Milliseconds(300));
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(absl::IsCancelled(*answer));
  EXPECT_TRUE(redrive.expired());
}

TEST_F(SlowRedriveTest, GoesWithItsBroker) {
  ASSERT_FALSE(redrive.expired());
  bus.instance().Kill();
  EXPECT_TRUE(redrive.expired());
  EXPECT_FALSE(answer.has_value());
}

}  // namespace
}  // namespace eventbus
