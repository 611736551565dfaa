// How a subscription ends, and what its owner sees of it.
#include "eventbus/subscription.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/src/subscription_core.h"

namespace eventbus::client {

void Subscription::Core::RequestStop() {
  std::deque<Work> work;
  std::vector<std::shared_ptr<SubscribeCall>> calls;
  bool quiet = false;
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(stopping_, true)) return;
    work.swap(work_);
    waiting_ = 0;
    for (const auto& [number, call] : calls_) calls.push_back(call);
    quiet = running_ == 0;
  }
  if (!spec_.tail) {
    for (const auto& call : calls) call->StopDeliveries();
    for (Work& rest : work) {
      const auto& batches = rest.message->response->deliveries().batches();
      for (; rest.batch < batches.size(); ++rest.batch, rest.index = 0) {
        const v1::DeliveryBatch& batch = batches.Get(rest.batch);
        for (; rest.index < batch.events_size(); ++rest.index) {
          rest.call->Hold(batch.first_delivery() + static_cast<uint64_t>(rest.index));
        }
      }
    }
  }
  // Otherwise the last handler does it.
  if (quiet) FinishCalls();
}

void Subscription::Core::FinishCalls() {
  std::vector<std::shared_ptr<SubscribeCall>> calls;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [number, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) {
    if (spec_.tail) {
      call->CancelCall();
    } else {
      call->Finish();
      CancelAfter(kFinishTimeout, call);
    }
  }
}

absl::Status Subscription::Core::Stop(absl::Duration timeout) {
  RequestStop();
  std::vector<std::shared_ptr<SubscribeCall>> calls;
  {
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(this, &Core::Ended), timeout)) {
      return end_.value_or(absl::OkStatus());
    }
    for (const auto& [number, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) call->CancelCall();
  return absl::DeadlineExceededError(absl::StrCat(
      "not stopped within ", absl::FormatDuration(timeout),
      ": handlers still run, or the broker did not confirm; what was not settled comes again"));
}

absl::Status Subscription::Core::Wait() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &Core::Ended));
  return end_.value_or(absl::OkStatus());
}

bool Subscription::Core::WaitFor(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(this, &Core::Ended), timeout);
}

SubscriptionInfo Subscription::Core::info() const {
  absl::MutexLock lock(&mutex_);
  return info_;
}

void Subscription::Core::JoinHandlers() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  call_count_->WaitForNone(kFinishTimeout);
}

Subscription::Subscription(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Subscription::~Subscription() {
  (void)core_->Stop(kFinishTimeout);
  core_->JoinHandlers();
}

absl::Status Subscription::Stop(absl::Duration timeout) { return core_->Stop(timeout); }

void Subscription::RequestStop() { core_->RequestStop(); }

absl::Status Subscription::Wait() { return core_->Wait(); }

bool Subscription::WaitFor(absl::Duration timeout) { return core_->WaitFor(timeout); }

SubscriptionInfo Subscription::info() const { return core_->info(); }

}  // namespace eventbus::client
