// The simulation itself: what a history promises, that it repeats, and that it finds what is
// planted.
#include "tests/simulation/simulation.h"

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/pause_watch.h"
#include "tests/simulation/publish_rules.h"
#include "tests/simulation/seek_watch.h"

namespace eventbus::simulation {
namespace {

using ::testing::IsSubsetOf;

// The first seed of this run: EVENTBUS_SIMULATION_SEED, else always the same.
uint64_t FirstSeed() {
  const char* const text = std::getenv("EVENTBUS_SIMULATION_SEED");
  uint64_t seed = 1;
  if (text != nullptr && !absl::SimpleAtoi(text, &seed)) ADD_FAILURE() << text << " is no seed";
  return seed;
}

// How long to look for bugs: EVENTBUS_SIMULATION_SECONDS, else 20 s.
absl::Duration TimeToRun() {
  const char* const text = std::getenv("EVENTBUS_SIMULATION_SECONDS");
  double seconds = 20;
  if (text != nullptr && !absl::SimpleAtod(text, &seconds)) ADD_FAILURE() << text << " is no time";
  return absl::Seconds(seconds);
}

TEST(SimulationTest, TheBusKeepsItsGuaranteesWhateverHappens) {
  const absl::Time end = absl::Now() + TimeToRun();
  uint64_t histories = 0;
  uint64_t deliveries = 0;
  uint64_t duplicates = 0;
  for (SimulationOptions options{.seed = FirstSeed()}; absl::Now() < end; ++options.seed) {
    const SimulationResult result = Simulate(options);
    ASSERT_TRUE(result.ok()) << result.Describe(options, 60);
    ++histories;
    deliveries += result.report.group_deliveries + result.report.tail_deliveries;
    duplicates += result.report.duplicates;
  }
  RecordProperty("histories", absl::StrCat(histories));
  RecordProperty("deliveries", absl::StrCat(deliveries));
  RecordProperty("duplicates", absl::StrCat(duplicates));
  EXPECT_GT(deliveries, 0U);
}

TEST(SimulationTest, ASeedGivesTheSameHistoryAgain) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const SimulationResult first = Simulate({.seed = seed});
    // Something else in between, so that memory looks different.
    Simulate({.seed = seed + 100});
    const SimulationResult second = Simulate({.seed = seed});
    ASSERT_EQ(HashOf(first.history), HashOf(second.history)) << "seed " << seed;
  }
}

TEST(SimulationTest, SeedsGiveDifferentHistories) {
  EXPECT_NE(HashOf(Simulate({.seed = 1}).history), HashOf(Simulate({.seed = 2}).history));
}

TEST(SimulationTest, HistoriesAreWorthTheName) {
  CheckReport sum;
  uint64_t faults = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const SimulationResult result = Simulate({.seed = seed});
    sum.confirmed_events += result.report.confirmed_events;
    sum.unknown_events += result.report.unknown_events;
    sum.group_deliveries += result.report.group_deliveries;
    sum.shared_deliveries += result.report.shared_deliveries;
    sum.tail_deliveries += result.report.tail_deliveries;
    sum.duplicates += result.report.duplicates;
    sum.confirmed_settles += result.report.confirmed_settles;
    sum.retries += result.report.retries;
    sum.expired += result.report.expired;
    sum.dead_letters += result.report.dead_letters;
    sum.redriven += result.report.redriven;
    sum.group_changes += result.report.group_changes;
    faults += result.faults;
  }
  // A tenth of what was seen when this was written.
  EXPECT_GT(sum.confirmed_events, 600U);
  EXPECT_GT(sum.unknown_events, 20U);
  EXPECT_GT(sum.group_deliveries, 700U);
  EXPECT_GT(sum.shared_deliveries, 200U);
  EXPECT_GT(sum.tail_deliveries, 200U);
  EXPECT_GT(sum.duplicates, 40U);
  EXPECT_GT(sum.confirmed_settles, 200U);
  EXPECT_GT(sum.retries, 80U);
  EXPECT_GT(sum.expired, 10U);
  EXPECT_GT(sum.dead_letters, 20U);
  EXPECT_GT(sum.redriven, 1U);
  EXPECT_GT(sum.group_changes, 20U);
  EXPECT_GT(faults, 130U);
}

TEST(SimulationTest, AFailureTellsSeedRuleAndTheLog) {
  const SimulationOptions options{.seed = 2, .mutation = Mutation::kAppendTwice};
  const SimulationResult result = Simulate(options);
  ASSERT_FALSE(result.ok());
  const std::string text = result.Describe(options, 200);
  EXPECT_THAT(text, testing::HasSubstr("seed 2,"));
  EXPECT_THAT(text, testing::HasSubstr("violated: one-position"));
  EXPECT_THAT(text, testing::HasSubstr("publish "));
}

struct Planted {
  Mutation mutation;
  // What it may be found by.
  std::vector<std::string> rules;
};

// For failure messages and names.
void PrintTo(const Planted& planted, std::ostream* out) { *out << NameOf(planted.mutation); }

class PlantedBugTest : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBugTest, IsFoundWithinAMinute) {
  // On any machine a minute has more than these.
  constexpr uint64_t kHistories = 1000;
  const absl::Time begin = absl::Now();
  for (uint64_t seed = 1; seed <= kHistories; ++seed) {
    const SimulationResult result = Simulate({.seed = seed, .mutation = GetParam().mutation});
    if (result.ok()) continue;
    std::set<std::string> violated;
    for (const Violation& violation : result.report.violations) violated.insert(violation.rule);
    EXPECT_THAT(violated, IsSubsetOf(GetParam().rules)) << "seed " << seed;
    RecordProperty("histories", absl::StrCat(seed));
    RecordProperty("milliseconds", absl::StrCat(absl::ToInt64Milliseconds(absl::Now() - begin)));
    // It was the bug that was found, and not something that is there without it.
    const SimulationResult without = Simulate({.seed = seed});
    EXPECT_TRUE(without.ok()) << without.Describe({.seed = seed}, 60);
    return;
  }
  FAIL() << "not found in " << kHistories << " histories";
}

INSTANTIATE_TEST_SUITE_P(
    , PlantedBugTest,
    testing::Values(
        Planted{Mutation::kDropStates,
                {rules::kSettledStays, rules::kAttempts, rules::kReasons, rules::kRetryDelay,
                 rules::kDeadLetters}},
        Planted{Mutation::kReleaseBare,
                {rules::kSettledStays, rules::kAttempts, rules::kDeadLetters}},
        Planted{Mutation::kAckOnRead,
                {rules::kConfirmedIsDelivered, rules::kNothingLost, rules::kKeyOrder}},
        Planted{Mutation::kAckNeighbour,
                {rules::kConfirmedIsDelivered, rules::kSettledStays, rules::kAttempts,
                 rules::kNothingLost, rules::kKeyOrder, kQuiescence}},
        Planted{Mutation::kBirthApart, {rules::kConfirmedIsDelivered}},
        Planted{Mutation::kHidePending,
                {rules::kConfirmedIsDelivered, rules::kNothingLost, kQuiescence, rules::kKeyOrder}},
        Planted{Mutation::kAppendNothing,
                {rules::kConfirmedIsDelivered, rules::kTailComplete, rules::kStoredInOrder,
                 rules::kOnePosition}},
        // Two copies look as if one event were out twice.
        Planted{Mutation::kAppendTwice,
                {rules::kOnePosition, rules::kTailOrder, rules::kSingleLease, rules::kSettledStays,
                 rules::kAttempts, rules::kDeadLetters, rules::kRetryDelay, rules::kReasons}},
        Planted{Mutation::kNoClaims,
                {rules::kConfirmedIsDelivered, rules::kNothingLost, rules::kKeyOrder, kQuiescence}},
        Planted{Mutation::kSkipEntry, {rules::kTailComplete}},
        Planted{Mutation::kForgetAttempts,
                {rules::kAttempts, rules::kReasons, rules::kDeadLetters}},
        Planted{Mutation::kForgetDelays, {rules::kRetryDelay}},
        Planted{Mutation::kForgetReasons, {rules::kReasons}},
        Planted{Mutation::kBuryUnsettled,
                {rules::kAttempts, rules::kSettledStays, rules::kReasons, rules::kDeadLetters,
                 rules::kRetryDelay, kQuiescence}},
        Planted{Mutation::kBuryWithoutLetters, {rules::kNothingLost}},
        // Two letters that are redriven together look as if one event were out twice.
        Planted{Mutation::kBuryAgain, {rules::kDeadLetters, rules::kSingleLease, rules::kKeyOrder}},
        Planted{Mutation::kForgetKeys,
                {rules::kOnePosition, rules::kTailOrder, rules::kSingleLease, rules::kSettledStays,
                 rules::kAttempts, rules::kStoredInOrder, rules::kTailComplete, rules::kDeadLetters,
                 rules::kReasons}},
        Planted{Mutation::kEarlyDelivery, {rules::kDelayedOnTime}},
        Planted{Mutation::kHalfBatch, {rules::kAtomicBatch}},
        Planted{Mutation::kIgnoreFences,
                {rules::kKeyOrder, rules::kSettledStays, rules::kAttempts, rules::kDeadLetters}},
        Planted{Mutation::kHideConsumers,
                {rules::kKeyOrder, rules::kNothingLost, rules::kConfirmedIsDelivered, kQuiescence}},
        Planted{Mutation::kStaleGroups,
                {rules::kPaused, rules::kConfirmedIsDelivered, rules::kNothingLost,
                 rules::kKeyOrder, rules::kAttempts, kQuiescence}},
        Planted{Mutation::kRedriveNowhere, {rules::kNothingLost}},
        Planted{Mutation::kSeekTooFar, {rules::kSought}}),
    [](const testing::TestParamInfo<Planted>& parameter) {
      std::string name;
      bool upper = true;
      for (const char c : NameOf(parameter.param.mutation)) {
        if (c != '-') name.push_back(upper ? static_cast<char>(c - 'a' + 'A') : c);
        upper = c == '-';
      }
      return name;
    });

}  // namespace
}  // namespace eventbus::simulation
