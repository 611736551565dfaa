#include "tests/support/virtual_world.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class VirtualWorldTest : public ::testing::Test {
 protected:
  Task Say(std::string word) {
    return [this, word = std::move(word)] { said_.push_back(word); };
  }

  std::vector<std::string> said_;
  VirtualWorld world_;
  VirtualProcess& a_ = world_.CreateProcess("a");
  VirtualProcess& b_ = world_.CreateProcess("b", absl::Seconds(3));
};

TEST_F(VirtualWorldTest, NothingRunsUntilTheWorldDoes) {
  a_.Post(Say("task"));
  EXPECT_THAT(said_, IsEmpty());
  world_.RunReady();
  EXPECT_THAT(said_, ElementsAre("task"));
}

TEST_F(VirtualWorldTest, ATurnIsTimersThenPostedThenDeferred) {
  auto timer = a_.CreateTimer(Say("timer"));
  timer->Arm(absl::ZeroDuration());
  a_.Post([this] {
    a_.Defer([this] {
      said_.emplace_back("deferred");
      a_.Defer(Say("deferred again"));
    });
    a_.Post(Say("next turn"));
    said_.emplace_back("posted");
  });
  world_.RunReady();
  EXPECT_THAT(said_, ElementsAre("timer", "posted", "deferred", "deferred again", "next turn"));
  EXPECT_EQ(a_.turns(), 2u);
}

TEST_F(VirtualWorldTest, WhatIsDeferredToLastRunsAfterAllThatWasDeferred) {
  a_.DeferToLast([this] {
    said_.emplace_back("last");
    a_.Defer(Say("after last"));
  });
  a_.DeferToLast(Say("last of all"));
  a_.Defer(Say("deferred"));
  world_.RunReady();
  EXPECT_THAT(said_, ElementsAre("deferred", "last", "after last", "last of all"));
}

TEST_F(VirtualWorldTest, TimePassesOnlyToWhatIsDue) {
  auto timer = a_.CreateTimer(Say("due"));
  timer->Arm(absl::Seconds(10));
  world_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_TRUE(timer->armed());
  world_.Advance(absl::Nanoseconds(1));
  EXPECT_THAT(said_, ElementsAre("due"));
  EXPECT_FALSE(timer->armed());
  EXPECT_EQ(world_.elapsed(), absl::Seconds(10));
}

TEST_F(VirtualWorldTest, RunUntilStopsWhereTheConditionBecomesTrue) {
  auto timer = a_.CreateTimer(Say("due"));
  timer->Arm(absl::Seconds(2));
  EXPECT_TRUE(world_.RunUntil([this] { return !said_.empty(); }, absl::Minutes(1)));
  EXPECT_EQ(world_.elapsed(), absl::Seconds(2));
  EXPECT_FALSE(world_.RunUntil([this] { return said_.size() > 1; }, absl::Minutes(1)));
  EXPECT_EQ(world_.elapsed(), absl::Seconds(62));
}

TEST_F(VirtualWorldTest, WallClocksAreSkewedAndMayJumpWhileMonotonicOnesAgreeOnTheirPace) {
  EXPECT_EQ(b_.WallNow() - a_.WallNow(), absl::Seconds(3));
  const absl::Duration before = b_.MonotonicNow();
  world_.Advance(absl::Seconds(5));
  b_.SetClockSkew(-absl::Hours(1));
  EXPECT_EQ(b_.WallNow(), world_.Now() - absl::Hours(1));
  EXPECT_EQ(b_.MonotonicNow() - before, absl::Seconds(5));
  EXPECT_NE(a_.MonotonicNow(), b_.MonotonicNow());
}

TEST_F(VirtualWorldTest, AFrozenProcessDoesNothingAndCatchesUpWhenThawed) {
  auto timer = a_.CreateTimer(Say("timer"));
  timer->Arm(absl::Seconds(1));
  a_.Post(Say("task"));
  a_.Freeze();
  b_.Post(Say("other"));
  world_.Advance(absl::Seconds(10));
  EXPECT_THAT(said_, ElementsAre("other"));
  a_.Thaw();
  world_.RunReady();
  EXPECT_THAT(said_, ElementsAre("other", "timer", "task"));
}

TEST_F(VirtualWorldTest, NothingOfAKilledProcessEverRunsAndItsTasksAreDestroyed) {
  auto timer = a_.CreateTimer(Say("timer"));
  timer->Arm(absl::Seconds(1));
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = token;
  a_.Post([token, say = Say("task")]() mutable { say(); });
  a_.Defer([token = std::move(token)] {});
  a_.Kill();
  EXPECT_TRUE(watched.expired());
  EXPECT_FALSE(timer->armed());
  a_.Post(Say("posted to the dead"));
  timer->Arm(absl::Seconds(1));
  world_.Advance(absl::Seconds(10));
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(VirtualWorldTest, AProcessThatKillsItselfFinishesThatTaskOnly) {
  a_.Post([this] {
    a_.Defer(Say("deferred"));
    a_.Kill();
    said_.emplace_back("last words");
  });
  a_.Post(Say("posted"));
  world_.RunReady();
  EXPECT_THAT(said_, ElementsAre("last words"));
}

TEST_F(VirtualWorldTest, ATimerMayDestroyItselfAndDisarmAnotherThatIsDue) {
  std::unique_ptr<Timer> other = a_.CreateTimer(Say("disarmed"));
  std::unique_ptr<Timer> timer;
  timer = a_.CreateTimer([&] {
    said_.emplace_back("fired");
    other->Disarm();
    timer.reset();
  });
  timer->Arm(absl::Seconds(1));
  other->Arm(absl::Seconds(1));
  world_.Advance(absl::Seconds(1));
  EXPECT_THAT(said_, ElementsAre("fired"));
}

TEST_F(VirtualWorldTest, WhatIsScheduledBelongsToNoProcess) {
  world_.Schedule(absl::Seconds(1), [this] { a_.Post(Say("delivered")); });
  a_.Freeze();
  world_.Advance(absl::Seconds(2));
  a_.Thaw();
  world_.RunReady();
  EXPECT_THAT(said_, ElementsAre("delivered"));
}

// Runs three processes that post to each other, and tells in which order.
std::string Interleaving(uint64_t seed) {
  std::string order;
  VirtualWorld world({.seed = seed, .shuffle = true});
  for (const char* name : {"a", "b", "c"}) {
    VirtualProcess& process = world.CreateProcess(name);
    for (int i = 0; i < 4; ++i) {
      process.Post([&order, name, i] { absl::StrAppend(&order, name, i); });
    }
  }
  world.RunReady();
  return order;
}

TEST(VirtualWorldShuffleTest, TheSeedDecidesTheInterleavingAndTheSameSeedRepeatsIt) {
  EXPECT_EQ(Interleaving(7), Interleaving(7));
  int different = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) different += Interleaving(seed) != Interleaving(7);
  EXPECT_GT(different, 10);
}

TEST(VirtualWorldShuffleTest, WithinAProcessTasksKeepTheirOrder) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::string order = Interleaving(seed);
    for (char name : {'a', 'b', 'c'}) {
      size_t last = 0;
      for (char i = '0'; i < '4'; ++i) {
        const size_t at = order.find({name, i});
        ASSERT_NE(at, std::string::npos);
        ASSERT_GE(at, last);
        last = at;
      }
    }
  }
}

}  // namespace
}  // namespace eventbus
