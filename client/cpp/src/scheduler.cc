#include "client/cpp/src/scheduler.h"

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace eventbus::client {

struct Scheduler::State {
  absl::Mutex mutex;
  absl::CondVar changed;
  std::multimap<absl::Time, std::function<void()>> due ABSL_GUARDED_BY(mutex);
  bool stopped ABSL_GUARDED_BY(mutex) = false;

  void Run() {
    mutex.Lock();
    while (!stopped) {
      if (due.empty()) {
        changed.Wait(&mutex);
      } else if (due.begin()->first > absl::Now()) {
        changed.WaitWithDeadline(&mutex, due.begin()->first);
      } else {
        std::function<void()> run = std::move(due.begin()->second);
        due.erase(due.begin());
        mutex.Unlock();
        run();
        run = nullptr;
        mutex.Lock();
      }
    }
    mutex.Unlock();
  }
};

Scheduler::Scheduler()
    : state_(std::make_shared<State>()), thread_([state = state_] { state->Run(); }) {}

Scheduler::~Scheduler() {
  std::multimap<absl::Time, std::function<void()>> dropped;
  {
    absl::MutexLock lock(&state_->mutex);
    state_->stopped = true;
    state_->due.swap(dropped);
    state_->changed.Signal();
  }
  if (thread_.get_id() == std::this_thread::get_id()) {
    // A function that ran here held the last reference to the connection.
    thread_.detach();
  } else {
    thread_.join();
  }
}

void Scheduler::After(absl::Duration delay, std::function<void()> run) {
  const absl::Time time = absl::Now() + delay;
  // `run` may destroy this scheduler, as soon as the mutex is free.
  const std::shared_ptr<State> state = state_;
  absl::MutexLock lock(&state->mutex);
  if (state->stopped) return;
  state->due.emplace(time, std::move(run));
  state->changed.Signal();
}

}  // namespace eventbus::client
