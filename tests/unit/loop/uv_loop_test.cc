#include "server/loop/uv_loop.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;

class UvLoopTest : public ::testing::Test {
 protected:
  // Notes `word` when it runs.
  Task Say(std::string word) {
    return [this, word = std::move(word)] { said_.push_back(word); };
  }

  UvLoop loop_;
  std::vector<std::string> said_;
};

TEST_F(UvLoopTest, PostedTasksRunInOrderOnTheThreadThatRuns) {
  const std::thread::id here = std::this_thread::get_id();
  std::thread::id ran_on;
  loop_.Post(Say("first"));
  loop_.Post(Say("second"));
  loop_.Post([&] { ran_on = std::this_thread::get_id(); });
  loop_.Post([&] { loop_.Stop(); });
  loop_.Run();
  EXPECT_THAT(said_, ElementsAre("first", "second"));
  EXPECT_EQ(ran_on, here);
}

TEST_F(UvLoopTest, WhatWasPostedBeforeStopRunsAndWhatComesAfterIsDestroyed) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = token;
  loop_.Post(Say("before"));
  loop_.Stop();
  loop_.Post([token = std::move(token), say = Say("after")]() mutable { say(); });
  EXPECT_TRUE(watched.expired());
  loop_.Run();
  EXPECT_THAT(said_, ElementsAre("before"));
}

TEST_F(UvLoopTest, WhatALoopThatNeverRanStillHoldsIsDestroyedWithIt) {
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = token;
  {
    UvLoop loop;
    loop.Post([token] {});
    loop.Defer([token = std::move(token), timer = loop.CreateTimer([] {})] {});
  }
  EXPECT_TRUE(watched.expired());
}

TEST_F(UvLoopTest, DeferredTasksRunAfterAllPostedOnesOfTheTurn) {
  loop_.Post([&] {
    loop_.Defer(Say("deferred"));
    loop_.Post(Say("next turn"));
  });
  loop_.Post(Say("same turn"));
  loop_.Post([&] { loop_.Post([&] { loop_.Stop(); }); });
  loop_.Run();
  EXPECT_THAT(said_, ElementsAre("same turn", "deferred", "next turn"));
}

TEST_F(UvLoopTest, ADeferredTaskThatDefersGetsTheSameTurn) {
  loop_.Post([&] {
    loop_.Defer([&] {
      said_.emplace_back("outer");
      loop_.Defer(Say("inner"));
    });
    loop_.Post(Say("next turn"));
    loop_.Post([&] { loop_.Stop(); });
  });
  loop_.Run();
  EXPECT_THAT(said_, ElementsAre("outer", "inner", "next turn"));
}

TEST_F(UvLoopTest, WhatIsDeferredToLastRunsAfterAllThatWasDeferred) {
  loop_.Post([&] {
    loop_.DeferToLast([&] {
      said_.emplace_back("last");
      loop_.Defer(Say("after last"));
    });
    loop_.DeferToLast(Say("last of all"));
    loop_.Defer([&] {
      said_.emplace_back("outer");
      loop_.Defer(Say("inner"));
    });
    loop_.Post(Say("next turn"));
    loop_.Post([&] { loop_.Stop(); });
  });
  loop_.Run();
  EXPECT_THAT(said_,
              ElementsAre("outer", "inner", "last", "after last", "last of all", "next turn"));
}

TEST_F(UvLoopTest, ATimerFiresOnceAndNotBeforeItsTime) {
  absl::Duration armed_at;
  absl::Duration fired_at;
  auto timer = loop_.CreateTimer([&] {
    fired_at = loop_.MonotonicNow();
    said_.emplace_back("fired");
    loop_.Stop();
  });
  loop_.Post([&] {
    armed_at = loop_.MonotonicNow();
    timer->Arm(absl::Microseconds(1700));
    EXPECT_TRUE(timer->armed());
  });
  loop_.Run();
  EXPECT_GE(fired_at - armed_at, absl::Microseconds(1700));
  EXPECT_FALSE(timer->armed());
  EXPECT_THAT(said_, ElementsAre("fired"));
}

TEST_F(UvLoopTest, TimersFireInTheOrderOfTheirTimes) {
  auto late = loop_.CreateTimer([&] {
    said_.emplace_back("late");
    loop_.Stop();
  });
  auto early = loop_.CreateTimer(Say("early"));
  auto now = loop_.CreateTimer(Say("now"));
  late->Arm(absl::Milliseconds(20));
  early->Arm(absl::Milliseconds(5));
  now->Arm(-absl::Seconds(1));
  loop_.Run();
  EXPECT_THAT(said_, ElementsAre("now", "early", "late"));
}

TEST_F(UvLoopTest, ArmingAgainReplacesTheTimeAndDisarmingForgetsIt) {
  auto end = loop_.CreateTimer([&] { loop_.Stop(); });
  auto replaced = loop_.CreateTimer(Say("replaced"));
  auto disarmed = loop_.CreateTimer(Say("disarmed"));
  auto destroyed = loop_.CreateTimer(Say("destroyed"));
  replaced->Arm(absl::Milliseconds(1));
  replaced->Arm(absl::InfiniteDuration());
  disarmed->Arm(absl::Milliseconds(1));
  disarmed->Disarm();
  destroyed->Arm(absl::Milliseconds(1));
  destroyed.reset();
  end->Arm(absl::Milliseconds(5));
  loop_.Run();
  EXPECT_TRUE(said_.empty());
}

TEST_F(UvLoopTest, ATimerMayDestroyItselfAndArmItself) {
  std::unique_ptr<Timer> once;
  once = loop_.CreateTimer([&] {
    said_.emplace_back("once");
    once.reset();
  });
  int times = 0;
  std::unique_ptr<Timer> again;
  again = loop_.CreateTimer([&] {
    if (++times == 3) {
      loop_.Stop();
    } else {
      again->Arm(absl::ZeroDuration());
    }
  });
  once->Arm(absl::ZeroDuration());
  again->Arm(absl::ZeroDuration());
  loop_.Run();
  EXPECT_THAT(said_, ElementsAre("once"));
  EXPECT_EQ(times, 3);
}

TEST_F(UvLoopTest, TasksThatPostTasksDoNotStarveTimers) {
  bool fired = false;
  auto timer = loop_.CreateTimer([&] { fired = true; });
  timer->Arm(absl::Milliseconds(1));
  absl::AnyInvocable<void()> spin;
  spin = [&] {
    if (fired) {
      loop_.Stop();
    } else {
      loop_.Post([&] { spin(); });
    }
  };
  loop_.Post([&] { spin(); });
  loop_.Run();
  EXPECT_TRUE(fired);
}

TEST_F(UvLoopTest, WallClockIsTheSystemsAndTheMonotonicOneNeverGoesBack) {
  EXPECT_LT(absl::AbsDuration(loop_.WallNow() - absl::Now()), absl::Seconds(5));
  absl::Duration last = loop_.MonotonicNow();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = loop_.MonotonicNow();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST_F(UvLoopTest, ASleepingLoopIsWokenByAPostFromAnotherThread) {
  // Each thread answers the other, so that every post finds its loop asleep or about to be.
  UvLoop other;
  std::thread thread([&] { other.Run(); });
  int rounds = 0;
  absl::AnyInvocable<void()> ping;
  ping = [&] {
    if (++rounds == 2000) {
      other.Stop();
      loop_.Stop();
      return;
    }
    other.Post([&] { loop_.Post([&] { ping(); }); });
  };
  loop_.Post([&] { ping(); });
  loop_.Run();
  thread.join();
  EXPECT_EQ(rounds, 2000);
}

TEST_F(UvLoopTest, PostsOfManyThreadsAllRunEachThreadsInOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::vector<int> next(kThreads, 0);
  int out_of_order = 0;
  int left = kThreads * kPosts;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        loop_.Post([&, thread, i] {
          if (next[static_cast<size_t>(thread)]++ != i) ++out_of_order;
          if (--left == 0) loop_.Stop();
        });
      }
    });
  }
  loop_.Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(out_of_order, 0);
  EXPECT_EQ(left, 0);
}

TEST_F(UvLoopTest, StopFromAnotherThreadWhileOthersPostLosesAndLeaksNothing) {
  std::atomic<int> alive{0};
  struct Counted {
    explicit Counted(std::atomic<int>* count) : count_(count) { ++*count_; }
    ~Counted() { --*count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::atomic<int>* count_;
  };
  std::atomic<bool> ran{false};
  std::thread poster([&] {
    for (int i = 0; i < 20000; ++i) {
      loop_.Post([&, counted = std::make_unique<Counted>(&alive)] { ran = true; });
    }
  });
  std::thread stopper([&] {
    while (!ran) std::this_thread::yield();
    loop_.Stop();
    loop_.Stop();
  });
  loop_.Run();
  poster.join();
  stopper.join();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace eventbus
