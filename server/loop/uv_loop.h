#ifndef EVENTBUS_SERVER_LOOP_UV_LOOP_H_
#define EVENTBUS_SERVER_LOOP_UV_LOOP_H_

#include <uv.h>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "server/loop/loop.h"

namespace eventbus {

// UvLoop is the real loop: libuv's, run by the thread that calls Run. Owned by the daemon; it must
// outlive everything that holds one of its timers, and every thread that still posts.
//
//   UvLoop loop;
//   std::thread signals([&] { WaitForSigterm(); loop.Stop(); });
//   loop.Post([&] { broker.Start(); });
//   loop.Run();
//
// A turn in libuv's terms: I/O callbacks and timers; then, in its prepare phase, the posted tasks
// and after them the deferred ones; then it polls, without waiting if something was posted
// meanwhile. Posting is a push under a mutex; the loop is woken by a system call only while it
// sleeps, or is about to.
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
  // Ends Run, after all that was posted before has run. Any thread; a second call does nothing.
  // Before Run: Run returns after one turn.
  void Stop();

  absl::Time WallNow() const override;
  absl::Duration MonotonicNow() const override;
  void Post(Task task) override;
  // Before Run, tasks may be deferred and timers created by the thread that will call it.
  void Defer(Task task) override;
  std::unique_ptr<Timer> CreateTimer(absl::AnyInvocable<void()> on_fire) override;

  // For sockets, which server/loop alone makes.
  uv_loop_t* uv() { return &uv_; }

 private:
  void WakeUp() const;
  void BeforePoll();
  void AfterPoll();

  uv_loop_t uv_;
  // An eventfd: libuv's own wake-up lets the loop spin while whoever wakes it is not running.
  const int wake_up_;
  uv_poll_t woken_;
  uv_prepare_t before_poll_;
  uv_check_t after_poll_;
  // Active while the next poll must not wait.
  uv_idle_t do_not_wait_;

  // Loop thread only.
  std::deque<Task> deferred_;
  std::vector<Task> running_;

  // Guards the rest. Not absl::Mutex: the distribution's Abseil is not built for the thread
  // sanitizer, which then does not see its locks.
  std::mutex mutex_;
  std::vector<Task> posted_;
  bool asleep_ = false;
  bool stopping_ = false;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_UV_LOOP_H_
