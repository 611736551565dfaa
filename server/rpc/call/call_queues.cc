#include "server/rpc/call/call_queues.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace eventbus {
namespace {

constexpr int kMaxQueues = 8;
// New calls that one reading from the network may bring; what is above waits for the next turn.
constexpr int kAwaitedCalls = 64;

void Serve(grpc::ServerCompletionQueue* completions) {
  void* tag = nullptr;
  bool ok = false;
  while (completions->Next(&tag, &ok)) static_cast<QueueTag*>(tag)->Ended(ok);
}

}  // namespace

int CallQueues::CountForThisMachine() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, kMaxQueues);
}

CallQueues::CallQueues(int count, const CallRouter* router, grpc::ServerBuilder* builder) {
  builder->RegisterAsyncGenericService(&service_);
  for (int i = 0; i < count; ++i) {
    auto served = std::make_unique<Served>();
    served->completions = builder->AddCompletionQueue();
    served->queue.service = &service_;
    served->queue.completions = served->completions.get();
    served->queue.router = router;
    queues_.push_back(std::move(served));
  }
}

CallQueues::~CallQueues() {
  // A queue must be shut down and emptied before it is destroyed, also if it has never served.
  for (const std::unique_ptr<Served>& served : queues_) {
    if (served->thread.joinable()) continue;
    served->completions->Shutdown();
    Serve(served->completions.get());
  }
}

void CallQueues::Start() {
  for (const std::unique_ptr<Served>& served : queues_) {
    for (int i = 0; i < kAwaitedCalls; ++i) QueueCall::AwaitOne(&served->queue);
    served->thread = std::thread([completions = served->completions.get()] {
      pthread_setname_np(pthread_self(), "grpc");
      Serve(completions);
    });
  }
}

void CallQueues::Stop() {
  for (const std::unique_ptr<Served>& served : queues_) {
    if (!served->thread.joinable()) continue;
    // Nothing may be begun on a queue that is shut down, so the last call goes first.
    {
      QueueCall::Queue& queue = served->queue;
      const auto empty = [&queue]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue.mutex) {
        return queue.calls == 0;
      };
      absl::MutexLock lock(&queue.mutex);
      queue.mutex.Await(absl::Condition(&empty));
    }
    served->completions->Shutdown();
    served->thread.join();
  }
}

}  // namespace eventbus
