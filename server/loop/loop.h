#ifndef EVENTBUS_SERVER_LOOP_LOOP_H_
#define EVENTBUS_SERVER_LOOP_LOOP_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace eventbus {

// A piece of work for a loop. Runs once, on the thread that has the loop.
using Task = absl::AnyInvocable<void()>;

// A one-shot timer. Belongs to whoever created it; destroying it cancels it. Loop thread only.
class Timer {
 public:
  virtual ~Timer() = default;
  // Fires once, `delay` from now (a negative delay counts as zero). Arming an armed timer replaces
  // its time.
  virtual void Arm(absl::Duration delay) = 0;
  // Does not fire any more. Harmless when not armed.
  virtual void Disarm() = 0;
  virtual bool armed() const = 0;
};

// What a thread has done for the loop: nothing, run what was posted, or also looked after sockets
// on which something had come.
enum class Helped { kNot, kRanTasks, kServedSockets };

// Loop runs everything that touches broker state, one task after the other, so that the broker
// needs no locks. UvLoop is the real one; VirtualProcess (tests) runs on a virtual clock and can be
// frozen or killed like a process.
//
// One thread at a time has the loop: its own, or, while that one sleeps, one that helps. "Loop
// thread only", in all comments, means the thread that has it.
//
// One turn of a loop: due timers and I/O callbacks, posted tasks, then the deferred tasks, then
// sleep until something is due. What has to happen once for all the work of a turn is deferred; and
// what sends off the outcome of it all (writing to the store in one go) comes last.
class Loop {
 public:
  virtual ~Loop() = default;

  // Time for people and for the wire; may jump.
  virtual absl::Time WallNow() const = 0;
  // Time for measuring and waiting: never goes back; its zero has no meaning. Constant during a
  // turn where that is cheaper.
  virtual absl::Duration MonotonicNow() const = 0;

  // Runs `task` on the loop's thread, after all tasks posted before it. Any thread. A task posted
  // after the loop has stopped is destroyed without having run.
  virtual void Post(Task task) = 0;

  // Runs `task` at the end of this turn. Loop thread only. A deferred task that defers again gets
  // the end of the same turn.
  virtual void Defer(Task task) = 0;

  // The same, once no deferred task is left, those that it defers itself not counted: they come
  // after it, in the same turn.
  virtual void DeferToLast(Task task) = 0;

  // A timer that runs `on_fire` each time it fires. Loop thread only.
  virtual std::unique_ptr<Timer> CreateTimer(absl::AnyInvocable<void()> on_fire) = 0;

  // For a thread that posts all the time, and would wake the loop's thread with each post only to
  // wait for it: between the two calls, what it posts to a sleeping loop wakes nobody, and waits
  // for its next Help. So it must call Help between its posts and its own sleep, and must hold no
  // lock then that a task may want.
  virtual void BeginHelping() {}
  virtual void EndHelping() {}
  // Runs a turn's tasks on this thread if there are any and the loop sleeps.
  virtual Helped Help() { return Helped::kNot; }
  // Whether somebody outside owes an answer that mostly comes at once. Any thread.
  virtual bool expecting() const { return false; }
  // For a thread that helps and stays awake for such an answer: between the two calls its Help
  // looks at the sockets too, and they do not wake the loop's own thread. So it must help again and
  // again. False: another thread does so already.
  virtual bool BeginLooking() { return false; }
  virtual void EndLooking() {}

  // For who does better to wait a moment for more than to begin at once; unlike with a timer,
  // microseconds count. True: a thread that helps stays awake for `task` and runs it in a turn
  // after `delay`, or sooner if it must leave; a loop that stops destroys it unrun. False: nobody
  // would, and `task` is gone. Loop thread only.
  virtual bool Linger(absl::Duration /*delay*/, Task /*task*/) { return false; }
  // Whether there is such a task: who helps must not sleep, but help again and again. Any thread.
  virtual bool lingers() const { return false; }
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_LOOP_H_
