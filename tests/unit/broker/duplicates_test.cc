// What is published again within its type's duplicate window.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/support/test_bus.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Events = std::vector<std::pair<std::string, std::string>>;

BrokerOptions WithWindow(absl::Duration window = absl::Minutes(1)) {
  BrokerOptions options;
  options.stream_policy_rules.emplace_back();
  options.stream_policy_rules.back().pattern = "job";
  options.stream_policy_rules.back().duplicate_window = window;
  return options;
}

// Of each event: its position, and "again" if it is a duplicate.
std::vector<std::pair<Position, bool>> Fates(const PublishOutcome& outcome) {
  std::vector<std::pair<Position, bool>> fates;
  for (const PublishedRun& run : outcome) {
    EXPECT_TRUE(run.status.ok()) << run.status;
    for (uint32_t i = 0; i < run.count; ++i) {
      fates.emplace_back(Position{run.position.entry, run.position.index + i}, run.duplicate);
    }
  }
  return fates;
}

struct Counts final : BrokerEvents {
  void OnPublished(uint64_t events, uint64_t, absl::Duration) override { published += events; }
  void OnDuplicates(uint64_t events) override { duplicates += events; }
  uint64_t published = 0;
  uint64_t duplicates = 0;
};

TEST(DuplicatesTest, AnEventThatComesAgainIsWhereItWasFirst) {
  Counts counts;
  TestBus bus(WithWindow(), &counts);
  RecordingSink& member = bus.Join("g", {"job"});
  const auto first = Fates(bus.PublishAll({{"job", "1"}}));
  const auto again = Fates(bus.PublishAll({{"job", "1"}}));
  EXPECT_EQ(again[0].first, first[0].first);
  EXPECT_FALSE(first[0].second);
  EXPECT_TRUE(again[0].second);
  EXPECT_THAT(member.ids(), ElementsAre("1"));
  EXPECT_EQ(counts.published, 1U);
  EXPECT_EQ(counts.duplicates, 1U);
}

TEST(DuplicatesTest, TypesWithoutAWindowTakeEverything) {
  TestBus bus(WithWindow());
  bus.PublishAll({{"other", "1"}});
  EXPECT_FALSE(Fates(bus.PublishAll({{"other", "1"}}))[0].second);
}

TEST(DuplicatesTest, AfterTheWindowItIsNew) {
  TestBus bus(WithWindow(absl::Minutes(1)));
  bus.PublishAll({{"job", "1"}});
  bus.Run(absl::Seconds(59));
  EXPECT_TRUE(Fates(bus.PublishAll({{"job", "1"}}))[0].second);
  bus.Run(absl::Seconds(2));
  EXPECT_FALSE(Fates(bus.PublishAll({{"job", "1"}}))[0].second);
}

TEST(DuplicatesTest, WithinABatchWhoseEventsShareAnEntry) {
  TestBus bus(WithWindow());
  // So busy that a batch shares an entry.
  Events many;
  for (int i = 0; i < 5000; ++i) many.emplace_back("job", "w" + std::to_string(i));
  bus.PublishAll(many);
  const auto fates = Fates(
      bus.PublishAll({{"job", "a"}, {"job", "b"}, {"job", "a"}, {"job", "w7"}, {"job", "c"}}));
  ASSERT_EQ(fates.size(), 5U);
  EXPECT_EQ(fates[2], std::make_pair(fates[0].first, true));
  EXPECT_TRUE(fates[3].second);
  EXPECT_EQ(fates[1].first, (Position{fates[0].first.entry, 1}));
  EXPECT_EQ(fates[4].first, (Position{fates[0].first.entry, 2}));
  const auto newest =
      bus.store().ReadRange({.stream = "job", .max_entries = 1, .newest_first = true});
  EXPECT_EQ(newest->front().id, fates[0].first.entry);
  EXPECT_EQ(
      newest->front().value.view(),
      FramedTestEvent("job", "a") + FramedTestEvent("job", "b") + FramedTestEvent("job", "c"));
}

TEST(DuplicatesTest, TheFirstEventsOfATypeAreRecognisedToo) {
  TestBus bus(WithWindow());
  const auto fates = Fates(bus.PublishAll({{"job", "a"}, {"job", "a"}}));
  EXPECT_FALSE(fates[0].second);
  EXPECT_EQ(fates[1], std::make_pair(fates[0].first, true));
}

TEST(DuplicatesTest, OnAnotherInstanceToo) {
  TestBus bus(WithWindow());
  bus.AddInstance();
  const auto first = Fates(bus.PublishAll({{"job", "1"}}));
  PublishOutcome outcome;
  bus.instance(1).process().Post([&] {
    bus.instance(1).broker().Publish(
        CommandOf({{"job", "1"}}, [&](PublishOutcome known) { outcome = std::move(known); }));
  });
  bus.Run();
  EXPECT_EQ(Fates(outcome)[0], std::make_pair(first[0].first, true));
}

TEST(DuplicatesTest, WhoseIdWasFilledInIsNotAsked) {
  TestBus bus(WithWindow());
  PublishOutcome outcome;
  bus.instance().process().Post([&] {
    PublishCommand command =
        CommandOf({{"job", "1"}, {"job", "1"}}, [&](PublishOutcome known) { outcome = known; });
    for (PublishItem& item : command.items) item.id_given = false;
    bus.instance().broker().Publish(std::move(command));
  });
  bus.Run();
  const auto fates = Fates(outcome);
  ASSERT_EQ(fates.size(), 2U);
  EXPECT_FALSE(fates[1].second);
}

TEST(DuplicatesTest, PublishingAgainAfterAnUnknownOutcomeIsSafe) {
  TestBus bus(WithWindow());
  RecordingSink& member = bus.Join("g", {"job"});
  bus.PublishAll({{"job", "0"}});
  bus.instance().store().FailNext(StoreCall::kAppendOnce, StoreFault::kReplyLost);
  const auto unknown = bus.Publish("job", "1");
  EXPECT_EQ(ReasonOf(unknown.status()), Reason::kOutcomeUnknown);
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr("recognised"));
  const auto again = Fates(bus.PublishAll({{"job", "1"}}));
  EXPECT_TRUE(again[0].second);
  bus.Run(absl::Seconds(10));
  EXPECT_THAT(member.ids(), ElementsAre("0", "1"));
  EXPECT_EQ(member.received[1].position, again[0].first);
}

TEST(DuplicatesTest, AFailureBeforeTheEffectRemembersNothing) {
  TestBus bus(WithWindow());
  bus.PublishAll({{"job", "0"}});
  bus.instance().store().FailNext(StoreCall::kAppendOnce, StoreFault::kNotDone);
  EXPECT_EQ(ReasonOf(bus.Publish("job", "1").status()), Reason::kNotStored);
  EXPECT_FALSE(Fates(bus.PublishAll({{"job", "1"}}))[0].second);
}

}  // namespace
}  // namespace eventbus
