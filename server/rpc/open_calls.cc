#include "server/rpc/open_calls.h"

#include <utility>
#include <vector>

namespace eventbus {

void OpenCalls::Add(const std::shared_ptr<DrainableCall>& call) {
  {
    absl::MutexLock lock(&mutex_);
    calls_.emplace(call.get(), call);
    if (!draining_) return;
  }
  call->Drain();
}

void OpenCalls::Remove(const DrainableCall* call) {
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
}

void OpenCalls::DrainAll() {
  std::vector<std::shared_ptr<DrainableCall>> open;
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
    for (const auto& [_, call] : calls_) {
      if (std::shared_ptr<DrainableCall> alive = call.lock()) open.push_back(std::move(alive));
    }
  }
  // Without the lock: a call may end at once, and be removed.
  for (const std::shared_ptr<DrainableCall>& call : open) call->Drain();
}

}  // namespace eventbus
