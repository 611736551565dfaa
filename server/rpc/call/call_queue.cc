#include "server/rpc/call/call_queue.h"

#include "grpc/support/time.h"
#include "server/rpc/call/queue_call.h"

namespace eventbus {
namespace {

// Operations that end, one right after the other, before what they have posted is run.
constexpr int kMaxWithoutHelp = 16;

}  // namespace

void CallQueue::Serve() {
  server_.store(std::this_thread::get_id(), std::memory_order_release);
  WakeUp();
  loop_.BeginHelping();
  ServeCalls();
  loop_.EndHelping();
}

void CallQueue::ServeCalls() {
  void* tag = nullptr;
  bool ok = false;
  int since_help = 0;
  while (true) {
    StartBegun();
    if (++since_help > kMaxWithoutHelp) {
      since_help = 0;
      loop_.Help();
    }
    switch (completions_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC))) {
      case grpc::CompletionQueue::GOT_EVENT:
        static_cast<QueueTag*>(tag)->Ended(ok);
        continue;
      case grpc::CompletionQueue::SHUTDOWN:
        return;
      case grpc::CompletionQueue::TIMEOUT:
        break;
    }
    // All that came is with the loop now, so that one turn serves it.
    since_help = 0;
    if (loop_.Help()) continue;
    if (!FallAsleep()) continue;
    const bool more = completions_.Next(&tag, &ok);
    WakeUp();
    if (!more) return;
    static_cast<QueueTag*>(tag)->Ended(ok);
  }
}

void CallQueue::Begin(QueueCall* call, Operation operation) {
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

bool CallQueue::FallAsleep() {
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
