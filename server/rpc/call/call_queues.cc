#include "server/rpc/call/call_queues.h"

#include <pthread.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "server/rpc/call/queue_call.h"
#include "server/rpc/call/unary_queue_call.h"

namespace eventbus {
namespace {

constexpr int kMaxQueues = 4;
// New calls that one reading from the network may bring; what is above waits for the next turn.
constexpr int kAwaitedCalls = 64;

}  // namespace

int CallQueues::CountForThisMachine() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 4, 1, kMaxQueues);
}

CallQueues::CallQueues(int count, const CallRouter* router, UnaryMethods methods, Loop* loop,
                       grpc::ServerBuilder* builder)
    : router_(router), methods_(std::move(methods)) {
  if (methods_.service != nullptr) builder->RegisterService(methods_.service.get());
  builder->RegisterAsyncGenericService(&service_);
  for (int i = 0; i < count; ++i) {
    auto served = std::make_unique<Served>();
    served->completions = builder->AddCompletionQueue();
    served->queue = std::make_unique<CallQueue>(&service_, served->completions.get(), router, loop);
    queues_.push_back(std::move(served));
  }
}

CallQueues::~CallQueues() {
  // A queue must be shut down and emptied before it is destroyed, also if it has never served.
  for (const std::unique_ptr<Served>& served : queues_) {
    if (served->started) continue;
    served->completions->Shutdown();
    served->queue->Serve();
  }
}

void CallQueues::Start() {
  std::vector<UnaryQueueCall::Served> unary;
  for (const UnaryMethods::Method& method : methods_.methods) {
    const CallRouter::Method* const handler = router_->Find(absl::StrCat("/", method.path));
    unary.push_back({&method, std::get_if<CallRouter::Unary>(handler)});
  }
  for (const std::unique_ptr<Served>& served : queues_) {
    for (int i = 0; i < kAwaitedCalls; ++i) {
      QueueCall::AwaitOne(served->queue.get());
      for (const UnaryQueueCall::Served& method : unary) {
        UnaryQueueCall::AwaitOne(served->queue.get(), method);
      }
    }
    served->started = true;
    served->thread = std::thread([queue = served->queue.get()] {
      pthread_setname_np(pthread_self(), "grpc");
      queue->Serve();
    });
  }
}

void CallQueues::Stop() {
  for (const std::unique_ptr<Served>& served : queues_) {
    if (!served->thread.joinable()) continue;
    // Nothing may be begun on a queue that is shut down, so the last call goes first.
    served->queue->WaitUntilEmpty();
    served->completions->Shutdown();
    served->thread.join();
  }
}

}  // namespace eventbus
