#include "server/loop/uv_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/loop/uv_network.h"

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

// A loop that runs on a thread of its own, and this thread helps it.
class HelpedLoopTest : public ::testing::Test {
 protected:
  HelpedLoopTest() {
    loop_.BeginHelping();
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~HelpedLoopTest() override {
    loop_.EndHelping();
    loop_.Stop();
    thread_.join();
  }

  // Posts a task until this thread gets to run one itself, that is, until the loop's own sleeps.
  void RunHere(absl::AnyInvocable<void()> task) {
    bool ran_here = false;
    while (!ran_here) {
      loop_.Post([&, here = std::this_thread::get_id()] {
        ran_here = std::this_thread::get_id() == here;
        if (ran_here) task();
        if (!ran_here) ran_there_.release();
      });
      if (!loop_.Help()) ran_there_.acquire();
    }
  }

  UvLoop loop_;
  std::thread thread_;
  std::counting_semaphore<> ran_there_{0};
};

TEST_F(HelpedLoopTest, NothingIsThereToHelpWithUnlessSomethingWasPosted) {
  EXPECT_FALSE(loop_.Help());
}

TEST_F(HelpedLoopTest, AHelperRunsATurnWithItsDeferredTasksWhileTheLoopSleeps) {
  std::vector<std::string> said;
  RunHere([&] {
    loop_.Defer([&] { said.emplace_back("deferred"); });
    said.emplace_back("posted");
  });
  EXPECT_THAT(said, ElementsAre("posted", "deferred"));
}

TEST_F(HelpedLoopTest, ATimerThatAHelperArmsFiresOnTheLoopsOwnThread) {
  // The loop sleeps without an end when it is armed.
  std::counting_semaphore<> fired{0};
  std::thread::id fired_on;
  std::unique_ptr<Timer> timer;
  RunHere([&] {
    timer = loop_.CreateTimer([&] {
      fired_on = std::this_thread::get_id();
      timer.reset();
      fired.release();
    });
    timer->Arm(absl::Milliseconds(1));
  });
  fired.acquire();
  EXPECT_EQ(fired_on, thread_.get_id());
}

TEST_F(HelpedLoopTest, AnEarlierTimerShortensTheSleep) {
  std::counting_semaphore<> fired{0};
  std::vector<std::string> said;
  std::vector<std::unique_ptr<Timer>> timers;
  const auto arm = [&](const std::string& word, absl::Duration delay) {
    RunHere([&] {
      timers.push_back(loop_.CreateTimer([&, word] {
        said.push_back(word);
        fired.release();
      }));
      timers.back()->Arm(delay);
    });
  };
  arm("late", absl::Hours(1));
  arm("later", absl::Hours(2));
  arm("first", absl::Milliseconds(2));
  fired.acquire();
  RunHere([&] { timers.clear(); });
  EXPECT_THAT(said, ElementsAre("first"));
}

TEST_F(HelpedLoopTest, ASocketThatAHelperWatchesIsWatchedByTheLoopsOwnThread) {
  UvNetwork network(&loop_);
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  std::counting_semaphore<> ready{0};
  std::unique_ptr<SocketWatcher> watcher;
  RunHere([&] {
    watcher = network.WatchSocket(ends[0], [&](Network::Readiness) {
      watcher.reset();
      ready.release();
    });
    watcher->Watch(true, false);
  });
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  ready.acquire();
  close(ends[0]);
  close(ends[1]);
}

// A helper that looks at the sockets of the loop.
class LookingTest : public HelpedLoopTest {
 protected:
  LookingTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
    RunHere([&] {
      watcher_ = network_.WatchSocket(ends_[0], [&](Network::Readiness) {
        char byte = 0;
        EXPECT_EQ(read(ends_[0], &byte, 1), 1);
        read_on_ = std::this_thread::get_id();
        ready_.release();
      });
      watcher_->Watch(true, false);
    });
  }
  ~LookingTest() override {
    RunHere([&] { watcher_.reset(); });
    close(ends_[0]);
    close(ends_[1]);
  }
  void Send() { ASSERT_EQ(write(ends_[1], "x", 1), 1); }
  // As long as the loop's own thread is about to sleep still, it is not for helpers.
  void HelpUntilReady() {
    while (!ready_.try_acquire()) loop_.Help();
  }

  UvNetwork network_{&loop_};
  std::array<int, 2> ends_{};
  std::unique_ptr<SocketWatcher> watcher_;
  std::counting_semaphore<> ready_{0};
  std::thread::id read_on_;
};

TEST_F(LookingTest, WhatComesIsReadByTheHelperAndTheLoopsOwnThreadSleepsOn) {
  ASSERT_TRUE(loop_.BeginLooking());
  for (int i = 0; i < 1000; ++i) {
    Send();
    HelpUntilReady();
    ASSERT_EQ(read_on_, std::this_thread::get_id());
  }
  loop_.EndLooking();
}

TEST_F(LookingTest, WhatTheHelperHasNotReadIsReadByTheLoopsOwnThreadAfterwards) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(loop_.BeginLooking());
    Send();
    loop_.EndLooking();
    ready_.acquire();
    ASSERT_EQ(read_on_, thread_.get_id());
  }
}

TEST_F(LookingTest, AHelperThatDoesNotLookLeavesTheSocketsAlone) {
  Send();
  ready_.acquire();
  EXPECT_EQ(read_on_, thread_.get_id());
  EXPECT_FALSE(loop_.Help());
}

TEST_F(LookingTest, OneThreadLooksAtATime) {
  ASSERT_TRUE(loop_.BeginLooking());
  std::thread([&] {
    EXPECT_FALSE(loop_.BeginLooking());
    loop_.BeginHelping();
    // It is not the one that looks.
    Send();
    EXPECT_FALSE(loop_.Help());
    loop_.EndHelping();
  }).join();
  HelpUntilReady();
  loop_.EndLooking();
  EXPECT_TRUE(loop_.BeginLooking());
  loop_.EndLooking();
}

TEST_F(LookingTest, TimersFireOnTheLoopsOwnThreadMeanwhile) {
  ASSERT_TRUE(loop_.BeginLooking());
  std::counting_semaphore<> fired{0};
  std::thread::id fired_on;
  std::unique_ptr<Timer> timer;
  RunHere([&] {
    timer = loop_.CreateTimer([&] {
      fired_on = std::this_thread::get_id();
      timer.reset();
      fired.release();
    });
    timer->Arm(absl::Milliseconds(1));
  });
  while (!fired.try_acquire()) loop_.Help();
  EXPECT_EQ(fired_on, thread_.get_id());
  loop_.EndLooking();
}

TEST_F(LookingTest, WhatIsExpectedIsKnownToAllThreads) {
  EXPECT_FALSE(loop_.expecting());
  RunHere([&] { watcher_->Expect(true); });
  EXPECT_TRUE(loop_.expecting());
  RunHere([&] { watcher_->Expect(false); });
  EXPECT_FALSE(loop_.expecting());
}

TEST_F(HelpedLoopTest, WhatAHelperHasPostedAndLeftIsRunWhenItEndsHelping) {
  std::counting_semaphore<> ran{0};
  // However the loop happens to be: asleep at least once.
  for (int i = 0; i < 100; ++i) {
    loop_.Post([&] { ran.release(); });
    loop_.EndHelping();
    ran.acquire();
    loop_.BeginHelping();
  }
}

TEST_F(HelpedLoopTest, WhatOthersPostWhileAThreadHelpsIsRun) {
  for (int i = 0; i < 200; ++i) {
    std::counting_semaphore<> ran{0};
    RunHere([&] {
      std::thread other([&] { loop_.Post([&] { ran.release(); }); });
      other.join();
    });
    ran.acquire();
  }
}

TEST_F(HelpedLoopTest, HelpersAndOthersPostAtOnceAndAllRunsOneAfterTheOther) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::vector<int> next(kThreads, 0);
  int out_of_order = 0;
  int left = kThreads * kPosts;
  std::counting_semaphore<> done{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const bool helps = thread % 2 == 0;
      if (helps) loop_.BeginHelping();
      for (int i = 0; i < kPosts; ++i) {
        loop_.Post([&, thread, i] {
          if (next[static_cast<size_t>(thread)]++ != i) ++out_of_order;
          if (--left == 0) done.release();
        });
        if (helps && i % 3 == 0) loop_.Help();
      }
      if (helps) loop_.EndHelping();
    });
  }
  for (std::thread& thread : threads) thread.join();
  done.acquire();
  EXPECT_EQ(out_of_order, 0);
}

TEST_F(HelpedLoopTest, StopWhileAThreadHelpsEndsRun) {
  RunHere([&] { loop_.Stop(); });
  // The destructor joins.
}

}  // namespace
}  // namespace eventbus
