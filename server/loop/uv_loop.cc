#include "server/loop/uv_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
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

// Turns that a thread runs in a row while tasks post tasks.
constexpr int kMaxTurnsOfHelp = 8;
// It may wake up for nothing.
constexpr absl::Duration kMaxSleep = absl::Minutes(10);

template <typename Handle>
void CloseHandle(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
}

}  // namespace

UvLoop::UvLoop()
    : wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), sleep_(epoll_create1(EPOLL_CLOEXEC)) {
  DieUnlessOk(uv_loop_init(&uv_), "cannot create the event loop");
  DieUnlessOk(wake_up_ < 0 ? -errno : uv_poll_init(&uv_, &woken_, wake_up_),
              "cannot create the event loop's wake-up");
  epoll_event readable = {};
  readable.events = EPOLLIN;
  for (const int descriptor : {uv_backend_fd(&uv_), sockets_.descriptor()}) {
    DieUnlessOk(epoll_ctl(sleep_, EPOLL_CTL_ADD, descriptor, &readable) == 0 ? 0 : -errno,
                "cannot create what the event loop sleeps on");
  }
  woken_.data = this;
  uv_poll_start(&woken_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    uint64_t times = 0;
    // It says how often; once is enough.
    [[maybe_unused]] const ssize_t size =
        read(static_cast<UvLoop*>(handle->data)->wake_up_, &times, sizeof(times));
  });
}

UvLoop::~UvLoop() {
  std::vector<Task> posted;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    PostLingering(absl::InfiniteDuration());
    posted.swap(posted_);
  }
  // They may own timers of this loop.
  posted.clear();
  while (!deferred_.empty()) deferred_.pop_front();
  while (!last_.empty()) last_.pop_front();
  CloseHandle(&woken_);
  uv_run(&uv_, UV_RUN_DEFAULT);
  DieUnlessOk(sockets_.empty() ? uv_loop_close(&uv_) : UV_EBUSY,
              "something outlives the event loop it is on");
  close(wake_up_);
  close(sleep_);
}

void UvLoop::Run() {
  while (Turn()) Sleep(kMaxSleep);
}

void UvLoop::RunTurn(absl::Duration most) {
  Sleep(std::clamp(absl::Ceil(most, absl::Milliseconds(1)), absl::ZeroDuration(), kMaxSleep));
  Turn();
}

bool UvLoop::Turn() {
  uv_run(&uv_, UV_RUN_NOWAIT);
  sockets_.Serve();
  const bool last = TakePosted();
  RunTasks();
  return !last;
}

void UvLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (state_ != State::kAsleep) return;
    wake_up_sent_ = true;
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
    if (state_ != State::kAsleep || wake_up_sent_ || wanted_) return;
    if (std::find(helpers_.begin(), helpers_.end(), std::this_thread::get_id()) != helpers_.end()) {
      return;
    }
    wake_up_sent_ = true;
  }
  WakeUp();
}

void UvLoop::Defer(Task task) { deferred_.push_back(std::move(task)); }

void UvLoop::DeferToLast(Task task) { last_.push_back(std::move(task)); }

std::unique_ptr<Timer> UvLoop::CreateTimer(absl::AnyInvocable<void()> on_fire) {
  return std::make_unique<UvTimer>(&uv_, *this, std::move(on_fire));
}

bool UvLoop::TakePosted() {
  const std::lock_guard lock(mutex_);
  if (lingers()) PostLingering(MonotonicNow());
  running_.swap(posted_);
  return stopping_;
}

void UvLoop::RunTasks() {
  for (Task& task : running_) {
    std::move(task)();
    // What it holds goes now, not when the last of the turn has run.
    task = nullptr;
  }
  running_.clear();
  while (!deferred_.empty() || !last_.empty()) {
    std::deque<Task>& queue = deferred_.empty() ? last_ : deferred_;
    Task task = std::move(queue.front());
    queue.pop_front();
    std::move(task)();
  }
}

std::optional<uint64_t> UvLoop::NextDue() {
  uv_update_time(&uv_);
  const int timeout = uv_backend_timeout(&uv_);
  if (timeout < 0) return std::nullopt;
  return uv_now(&uv_) + static_cast<uint64_t>(timeout);
}

void UvLoop::Sleep(absl::Duration most) {
  if (!deferred_.empty() || !last_.empty()) return;
  const std::optional<uint64_t> due = NextDue();
  auto timeout_ms = static_cast<uint64_t>(absl::ToInt64Milliseconds(most));
  if (due.has_value()) timeout_ms = std::min(timeout_ms, *due - uv_now(&uv_));
  {
    const std::lock_guard lock(mutex_);
    if (!posted_.empty() || stopping_) return;
    state_ = State::kAsleep;
    sleeps_until_ = due;
    wake_up_sent_ = false;
  }
  epoll_event ready = {};
  // However it ends, the turn finds what there is.
  [[maybe_unused]] const int count = epoll_wait(sleep_, &ready, 1, static_cast<int>(timeout_ms));
  std::unique_lock lock(mutex_);
  wanted_ = true;
  not_helped_.wait(lock, [this] { return state_ != State::kHelped; });
  wanted_ = false;
  state_ = State::kAwake;
}

void UvLoop::BeginHelping() {
  const std::lock_guard lock(mutex_);
  helpers_.push_back(std::this_thread::get_id());
}

void UvLoop::EndHelping() {
  {
    const std::lock_guard lock(mutex_);
    helpers_.erase(std::find(helpers_.begin(), helpers_.end(), std::this_thread::get_id()));
    // It may be this thread that has stayed awake for them.
    PostLingering(absl::InfiniteDuration());
    if (state_ != State::kAsleep || wake_up_sent_ || wanted_ || posted_.empty()) return;
    wake_up_sent_ = true;
  }
  WakeUp();
}

Helped UvLoop::Help() {
  bool looks = false;
  {
    const std::lock_guard lock(mutex_);
    looks = looker_ == std::this_thread::get_id();
    // The rest is for the loop's own thread: it is awake, has been told of it, or waits already.
    if (state_ != State::kAsleep || stopping_ || wanted_) return Helped::kNot;
    if (lingers()) PostLingering(MonotonicNow());
    if (posted_.empty() && !looks) return Helped::kNot;
    state_ = State::kHelped;
    running_.swap(posted_);
  }
  Helped helped = running_.empty() ? Helped::kNot : Helped::kRanTasks;
  if (looks && sockets_.Serve()) helped = Helped::kServedSockets;
  std::optional<uint64_t> due;
  if (helped != Helped::kNot) {
    int turns = 0;
    do {
      RunTasks();
    } while (++turns < kMaxTurnsOfHelp && TakeMore());
    due = NextDue();
  }
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    state_ = State::kAsleep;
    const bool sooner = due.has_value() && *due < sleeps_until_.value_or(UINT64_MAX);
    wake = !wake_up_sent_ && !wanted_ && (sooner || !posted_.empty() || stopping_);
    wake_up_sent_ = wake_up_sent_ || wake;
  }
  not_helped_.notify_one();
  if (wake) WakeUp();
  return helped;
}

bool UvLoop::TakeMore() {
  const std::lock_guard lock(mutex_);
  // The loop's own thread has timers and sockets to look after, perhaps.
  if (posted_.empty() || stopping_ || wanted_) return false;
  running_.swap(posted_);
  return true;
}

bool UvLoop::Linger(absl::Duration delay, Task task) {
  const std::lock_guard lock(mutex_);
  // The loop's own thread sleeps when its turn is over.
  if (state_ != State::kHelped || stopping_) return false;
  lingering_.push_back({MonotonicNow() + delay, std::move(task)});
  lingers_.store(true, std::memory_order_relaxed);
  return true;
}

void UvLoop::PostLingering(absl::Duration now) {
  const auto due =
      std::stable_partition(lingering_.begin(), lingering_.end(),
                            [now](const Lingering& lingering) { return lingering.until > now; });
  for (auto each = due; each != lingering_.end(); ++each) posted_.push_back(std::move(each->task));
  lingering_.erase(due, lingering_.end());
  lingers_.store(!lingering_.empty(), std::memory_order_relaxed);
}

void UvLoop::WakeForSockets(bool wake) const {
  epoll_event event = {};
  event.events = wake ? EPOLLIN : 0U;
  // If one is ready already, this wakes it too.
  DieUnlessOk(epoll_ctl(sleep_, EPOLL_CTL_MOD, sockets_.descriptor(), &event) == 0 ? 0 : -errno,
              "cannot change what the event loop sleeps on");
}

bool UvLoop::BeginLooking() {
  const std::lock_guard lock(mutex_);
  if (looker_ != std::thread::id() || stopping_) return false;
  looker_ = std::this_thread::get_id();
  WakeForSockets(false);
  return true;
}

void UvLoop::EndLooking() {
  const std::lock_guard lock(mutex_);
  looker_ = std::thread::id();
  WakeForSockets(true);
}

}  // namespace eventbus
