#include "server/rpc/call/call_queue.h"

#include <chrono>

#include "grpc/support/time.h"
namespace eventbus {
namespace {

// What operations that end, one right after the other, have posted is run after so many of them, or
// so long.
constexpr int kMostWithoutHelp = 16;
constexpr std::chrono::microseconds kLongestWithoutHelp(200);

// For half a microsecond: looking without a break slows down who shares the core's units.
constexpr int kPauses = 10;

void LeaveTheCoreToOthers() {
  for (int i = 0; i < kPauses; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  std::this_thread::yield();
}

}  // namespace

void CallQueue::Serve() {
  server_.store(std::this_thread::get_id(), std::memory_order_release);
  WakeUp();
  loop_.BeginHelping();
  ServeCalls();
  EndLooking();
  loop_.EndHelping();
}

void CallQueue::ServeCalls() {
  void* tag = nullptr;
  bool ok = false;
  int ended = 0;
  std::chrono::steady_clock::time_point first_ended;
  while (true) {
    StartBegun();
    if (ended > 0) {
      const std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
      if (ended == 1) first_ended = now;
      if (ended == kMostWithoutHelp || now - first_ended > kLongestWithoutHelp) {
        ended = 0;
        HelpLoop();
      }
    }
    switch (completions_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC))) {
      case grpc::CompletionQueue::GOT_EVENT:
        lookout_.Interrupted();
        static_cast<QueueTag*>(tag)->Ended(ok);
        ++ended;
        continue;
      case grpc::CompletionQueue::SHUTDOWN:
        return;
      case grpc::CompletionQueue::TIMEOUT:
        break;
    }
    // All that came is with the loop now, so that one turn serves it.
    ended = 0;
    if (HelpLoop() || Lingers() || LookOut()) continue;
    if (!FallAsleep()) continue;
    const bool more = completions_.Next(&tag, &ok);
    WakeUp();
    if (!more) return;
    static_cast<QueueTag*>(tag)->Ended(ok);
    ended = 1;
  }
}

bool CallQueue::HelpLoop() {
  const Helped helped = loop_.Help();
  lookout_.Brought(helped);
  return helped != Helped::kNot;
}

void CallQueue::Begin(QueuedCall* call, Operation operation) {
  if (server_.load(std::memory_order_acquire) == std::this_thread::get_id()) {
    // In the order in which operations of a call were begun.
    StartBegun();
  } else {
    absl::MutexLock lock(&mutex_);
    if (awake_) {
      begun_.push_back({call, operation});
      any_begun_.store(true, std::memory_order_release);
      return;
    }
  }
  call->Start(operation);
}

void CallQueue::StartBegun() {
  if (!any_begun_.load(std::memory_order_acquire)) return;
  {
    absl::MutexLock lock(&mutex_);
    any_begun_.store(false, std::memory_order_relaxed);
    starting_.swap(begun_);
  }
  for (const Begun& begun : starting_) begun.call->Start(begun.operation);
  starting_.clear();
}

bool CallQueue::LookOut() {
  if (!loop_.expecting()) {
    lookout_.Stop();
    return false;
  }
  if (!lookout_.LookAgain(loop_.MonotonicNow())) return false;
  looks_ = looks_ || loop_.BeginLooking();
  if (!looks_) {
    lookout_.Stop();
    return false;
  }
  // Whoever owes the answer may need this core to give it.
  LeaveTheCoreToOthers();
  return true;
}

bool CallQueue::Lingers() {
  if (!loop_.lingers()) return false;
  // It is awake anyway; what answers take meanwhile teaches nothing.
  lookout_.Interrupted();
  if (loop_.expecting()) looks_ = looks_ || loop_.BeginLooking();
  LeaveTheCoreToOthers();
  return true;
}

void CallQueue::EndLooking() {
  if (looks_) loop_.EndLooking();
  looks_ = false;
}

bool CallQueue::FallAsleep() {
  EndLooking();
  absl::MutexLock lock(&mutex_);
  awake_ = !begun_.empty();
  return !awake_;
}

void CallQueue::WakeUp() {
  absl::MutexLock lock(&mutex_);
  awake_ = true;
}

void CallQueue::Add() {
  absl::MutexLock lock(&mutex_);
  ++calls_;
}

void CallQueue::Remove() {
  absl::MutexLock lock(&mutex_);
  --calls_;
}

void CallQueue::WaitUntilEmpty() {
  const auto empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_ == 0; };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&empty));
}

}  // namespace eventbus
