#include "server/loop/uv_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"
#include "server/loop/uv_timer.h"

namespace eventbus {
namespace {

// Without a loop there is no process: the kernel has refused an epoll or event descriptor.
void DieUnlessOk(int result, const char* what) {
  if (result == 0) return;
  std::fprintf(stderr, "eventbusd: %s: %s\n", what, uv_strerror(result));
  std::abort();
}

template <typename Handle>
void CloseHandle(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
}

}  // namespace

UvLoop::UvLoop() : wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  DieUnlessOk(uv_loop_init(&uv_), "cannot create the event loop");
  DieUnlessOk(wake_up_ < 0 ? -errno : uv_poll_init(&uv_, &woken_, wake_up_),
              "cannot create the event loop's wake-up");
  woken_.data = this;
  uv_poll_start(&woken_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    uint64_t times = 0;
    // It says how often; once is enough.
    [[maybe_unused]] const ssize_t size =
        read(static_cast<UvLoop*>(handle->data)->wake_up_, &times, sizeof(times));
  });
  uv_prepare_init(&uv_, &before_poll_);
  uv_check_init(&uv_, &after_poll_);
  uv_idle_init(&uv_, &do_not_wait_);
  before_poll_.data = this;
  after_poll_.data = this;
  uv_prepare_start(&before_poll_,
                   [](uv_prepare_t* handle) { static_cast<UvLoop*>(handle->data)->BeforePoll(); });
  uv_check_start(&after_poll_,
                 [](uv_check_t* handle) { static_cast<UvLoop*>(handle->data)->AfterPoll(); });
}

UvLoop::~UvLoop() {
  std::vector<Task> posted;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    posted.swap(posted_);
  }
  // They may own timers of this loop.
  posted.clear();
  while (!deferred_.empty()) deferred_.pop_front();
  CloseHandle(&woken_);
  CloseHandle(&before_poll_);
  CloseHandle(&after_poll_);
  CloseHandle(&do_not_wait_);
  uv_run(&uv_, UV_RUN_DEFAULT);
  DieUnlessOk(uv_loop_close(&uv_), "something outlives the event loop it is on");
  close(wake_up_);
}

void UvLoop::Run() { uv_run(&uv_, UV_RUN_DEFAULT); }

void UvLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (!asleep_) return;
    asleep_ = false;
  }
  WakeUp();
}

void UvLoop::WakeUp() const {
  constexpr uint64_t kOnce = 1;
  // It fails only if the loop has been woken very often already.
  [[maybe_unused]] const ssize_t size = write(wake_up_, &kOnce, sizeof(kOnce));
}

absl::Time UvLoop::WallNow() const { return absl::Now(); }

absl::Duration UvLoop::MonotonicNow() const {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void UvLoop::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    // Destroyed on return, outside of the lock.
    if (stopping_) return;
    posted_.push_back(std::move(task));
    if (!asleep_) return;
    asleep_ = false;
  }
  WakeUp();
}

void UvLoop::Defer(Task task) { deferred_.push_back(std::move(task)); }

std::unique_ptr<Timer> UvLoop::CreateTimer(absl::AnyInvocable<void()> on_fire) {
  return std::make_unique<UvTimer>(&uv_, *this, std::move(on_fire));
}

void UvLoop::BeforePoll() {
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    running_.swap(posted_);
    stopping = stopping_;
  }
  for (Task& task : running_) {
    std::move(task)();
    // What it holds goes now, not when the last of the turn has run.
    task = nullptr;
  }
  running_.clear();
  while (!deferred_.empty()) {
    Task task = std::move(deferred_.front());
    deferred_.pop_front();
    std::move(task)();
  }
  if (stopping) {
    uv_stop(&uv_);
    return;
  }
  const std::lock_guard lock(mutex_);
  asleep_ = posted_.empty() && !stopping_;
  if (asleep_) {
    uv_idle_stop(&do_not_wait_);
  } else {
    uv_idle_start(&do_not_wait_, [](uv_idle_t*) {});
  }
}

void UvLoop::AfterPoll() {
  const std::lock_guard lock(mutex_);
  asleep_ = false;
}

}  // namespace eventbus
