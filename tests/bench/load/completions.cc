#include "tests/bench/load/completions.h"

#include <utility>

namespace eventbus::bench {

void Completions::Drain() {
  if (drained_) return;
  drained_ = true;
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void Completions::Fail(absl::Status why) {
  if (failure_.ok()) failure_ = std::move(why);
}

absl::Status Completions::RunUntil(absl::FunctionRef<bool()> done, absl::Time deadline) {
  const auto chrono_deadline = absl::ToChronoTime(deadline);
  while (failure_.ok() && !done()) {
    void* tag = nullptr;
    bool ok = false;
    switch (queue_.AsyncNext(&tag, &ok, chrono_deadline)) {
      case grpc::CompletionQueue::GOT_EVENT:
        static_cast<Tag*>(tag)->Done(ok);
        break;
      case grpc::CompletionQueue::TIMEOUT:
        return absl::DeadlineExceededError("the run did not end in time");
      case grpc::CompletionQueue::SHUTDOWN:
        return absl::CancelledError("the completion queue was shut down");
    }
  }
  return failure_;
}

}  // namespace eventbus::bench
