// UvLoop with a thread that helps it, and looks at its sockets.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/loop/uv_loop.h"
#include "server/loop/uv_network.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;

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
      if (loop_.Help() == Helped::kNot) ran_there_.acquire();
    }
  }

  // On this thread.
  void ArmTimer() {
    RunHere([&] {
      timer_ = loop_.CreateTimer([&] {
        fired_on_ = std::this_thread::get_id();
        timer_.reset();
        fired_.release();
      });
      timer_->Arm(absl::Milliseconds(1));
    });
  }

  UvLoop loop_;
  std::unique_ptr<Timer> timer_;
  std::counting_semaphore<> fired_{0};
  std::thread::id fired_on_;
  std::thread thread_;
  std::counting_semaphore<> ran_there_{0};
};

TEST_F(HelpedLoopTest, NothingIsThereToHelpWithUnlessSomethingWasPosted) {
  EXPECT_EQ(loop_.Help(), Helped::kNot);
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
  ArmTimer();
  fired_.acquire();
  EXPECT_EQ(fired_on_, thread_.get_id());
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

TEST_F(HelpedLoopTest, WhatLingersIsRunByTheHelperOnceItsTimeHasCome) {
  absl::Duration begun;
  absl::Duration ran;
  RunHere([&] {
    begun = loop_.MonotonicNow();
    EXPECT_TRUE(loop_.Linger(absl::Microseconds(300), [&] { ran = loop_.MonotonicNow(); }));
  });
  EXPECT_TRUE(loop_.lingers());
  while (loop_.lingers()) loop_.Help();
  EXPECT_GE(ran - begun, absl::Microseconds(300));
}

TEST_F(HelpedLoopTest, WhatLingersShorterIsRunBefore) {
  std::vector<std::string> said;
  RunHere([&] {
    loop_.Linger(absl::Milliseconds(2), [&] { said.emplace_back("late"); });
    loop_.Linger(absl::Microseconds(1), [&] { said.emplace_back("soon"); });
  });
  while (loop_.lingers()) loop_.Help();
  EXPECT_THAT(said, ElementsAre("soon", "late"));
}

TEST_F(HelpedLoopTest, NothingLingersOnTheLoopsOwnThread) {
  std::counting_semaphore<> asked{0};
  std::thread([&] {
    loop_.Post([&] {
      EXPECT_FALSE(loop_.Linger(absl::Microseconds(1), [] { FAIL(); }));
      asked.release();
    });
  }).join();
  asked.acquire();
  EXPECT_FALSE(loop_.lingers());
}

TEST_F(HelpedLoopTest, WhatLingersIsRunAtOnceIfTheHelperLeaves) {
  std::counting_semaphore<> ran{0};
  RunHere([&] { EXPECT_TRUE(loop_.Linger(absl::Hours(1), [&] { ran.release(); })); });
  loop_.EndHelping();
  ran.acquire();
  EXPECT_FALSE(loop_.lingers());
  loop_.BeginHelping();
}

TEST_F(HelpedLoopTest, WhatLingersIsRunByTheLoopsOwnThreadIfThatIsAwakeThen) {
  std::counting_semaphore<> ran{0};
  RunHere([&] { EXPECT_TRUE(loop_.Linger(absl::ZeroDuration(), [&] { ran.release(); })); });
  // As somebody who does not help.
  std::thread([&] { loop_.Post([] {}); }).join();
  ran.acquire();
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
  EXPECT_EQ(loop_.Help(), Helped::kNot);
}

TEST_F(LookingTest, OneThreadLooksAtATime) {
  ASSERT_TRUE(loop_.BeginLooking());
  std::thread([&] {
    EXPECT_FALSE(loop_.BeginLooking());
    loop_.BeginHelping();
    // It is not the one that looks.
    Send();
    EXPECT_EQ(loop_.Help(), Helped::kNot);
    loop_.EndHelping();
  }).join();
  HelpUntilReady();
  loop_.EndLooking();
  EXPECT_TRUE(loop_.BeginLooking());
  loop_.EndLooking();
}

TEST_F(LookingTest, TimersFireOnTheLoopsOwnThreadMeanwhile) {
  ASSERT_TRUE(loop_.BeginLooking());
  ArmTimer();
  while (!fired_.try_acquire()) loop_.Help();
  EXPECT_EQ(fired_on_, thread_.get_id());
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
