#ifndef EVENTBUS_SERVER_LOOP_UV_LOOP_H_
#define EVENTBUS_SERVER_LOOP_UV_LOOP_H_

#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/loop/socket_set.h"

namespace eventbus {

// UvLoop is the real loop: libuv's, run by the thread that calls Run, which sleeps outside of
// libuv, so that another thread can have the loop meanwhile (Help). Owned by the daemon; it must
// outlive everything that holds one of its timers, and every thread that still posts or helps.
//
//   UvLoop loop;
//   std::thread signals([&] { WaitForSigterm(); loop.Stop(); });
//   loop.Post([&] { broker.Start(); });
//   loop.Run();
//
// A turn: due timers and I/O callbacks, then the posted tasks and after them the deferred ones. A
// turn of a thread that helps has the tasks only, and the sockets if it looks at them; timers and
// all else stay with the loop's own thread, which is woken if a turn leaves it something to do
// sooner. Posting is a push under a mutex; the loop is woken by a system call only while it sleeps,
// or is about to.
class UvLoop final : public Loop {
 public:
  UvLoop();
  // Destroys what was posted and not run. REQUIRES: no Run in progress; all timers and sockets on
  // it are gone.
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  // Runs on the calling thread, which is the loop's thread from then on, until Stop. Once per loop.
  void Run();
  // For tests, which look at what has come of it between two turns, in place of Run: one turn,
  // which waits for something to do for no longer than this.
  void RunTurn(absl::Duration most);
  // Ends Run, after all that was posted before has run. Any thread; a second call does nothing.
  // Before Run: Run returns after one turn.
  void Stop();

  absl::Time WallNow() const override;
  absl::Duration MonotonicNow() const override;
  void Post(Task task) override;
  // Before Run, tasks may be deferred and timers created by the thread that will call it.
  void Defer(Task task) override;
  void DeferToLast(Task task) override;
  std::unique_ptr<Timer> CreateTimer(absl::AnyInvocable<void()> on_fire) override;
  void BeginHelping() override;
  void EndHelping() override;
  Helped Help() override;
  bool expecting() const override { return sockets_.expecting(); }
  bool BeginLooking() override;
  void EndLooking() override;
  bool Linger(absl::Duration delay, Task task) override;
  bool lingers() const override { return lingers_.load(std::memory_order_relaxed); }

  // For what server/loop alone makes.
  uv_loop_t* uv() { return &uv_; }
  SocketSet& sockets() { return sockets_; }

 private:
  // Who has the loop.
  enum class State {
    // Its own thread.
    kAwake,
    // Nobody: that thread sleeps, or is about to, or wants it back.
    kAsleep,
    // A thread that helps.
    kHelped,
  };

  struct Lingering {
    absl::Duration until;
    Task task;
  };

  void WakeUp() const;
  // Makes those that have lingered until then posted tasks. REQUIRES: mutex_ is held.
  void PostLingering(absl::Duration now);
  // Whether the sockets end the sleep of the loop's own thread.
  void WakeForSockets(bool wake) const;
  // Makes what is posted what RunTasks runs. True if it is the last.
  bool TakePosted();
  // The same for a thread that helps; false if it should leave the loop to others.
  bool TakeMore();
  void RunTasks();
  // When there is something to do for the thread that sleeps, on libuv's clock, in milliseconds;
  // none: nothing by itself. Loop thread only.
  std::optional<uint64_t> NextDue();
  // Sleeps until there is something to do, at most this long; others may have the loop meanwhile.
  void Sleep(absl::Duration most);
  // False: it was the last.
  bool Turn();

  uv_loop_t uv_;
  // An eventfd: libuv's own wake-up lets the loop spin while whoever wakes it is not running.
  const int wake_up_;
  uv_poll_t woken_;
  SocketSet sockets_;
  // What the loop's own thread sleeps on: an epoll set of libuv's and the sockets'.
  const int sleep_;

  // Loop thread only.
  std::deque<Task> deferred_;
  std::deque<Task> last_;
  std::vector<Task> running_;

  // Guards the rest. Not absl::Mutex: the distribution's Abseil is not built for the thread
  // sanitizer, which then does not see its locks.
  std::mutex mutex_;
  std::vector<Task> posted_;
  State state_ = State::kAwake;
  // Of the thread that sleeps, as from NextDue.
  std::optional<uint64_t> sleeps_until_;
  // Somebody has woken it, or is just about to.
  bool wake_up_sent_ = false;
  // It is awake, and waits until nobody helps.
  bool wanted_ = false;
  std::condition_variable not_helped_;
  std::vector<std::thread::id> helpers_;
  // The one of them that looks at the sockets.
  std::thread::id looker_;
  std::vector<Lingering> lingering_;
  // Whether there are any. Written under the mutex.
  std::atomic<bool> lingers_ = false;
  bool stopping_ = false;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_UV_LOOP_H_
