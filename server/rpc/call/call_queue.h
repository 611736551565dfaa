#ifndef EVENTBUS_SERVER_RPC_CALL_CALL_QUEUE_H_
#define EVENTBUS_SERVER_RPC_CALL_CALL_QUEUE_H_

#include <atomic>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/string_ref.h"
#include "server/loop/loop.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/call/call_router.h"
#include "server/rpc/call/lookout.h"

namespace eventbus {

// What comes out of a completion queue: an operation that has ended.
class QueueTag {
 public:
  virtual ~QueueTag() = default;
  // On the queue's thread.
  virtual void Ended(bool ok) = 0;
};

// The end of an operation of a call, which `call` is told by one of its functions.
template <typename Call>
class CallTag final : public QueueTag {
 public:
  using End = void (Call::*)(bool ok);
  CallTag(Call* call, End end) : call_(call), end_(end) {}
  void Ended(bool ok) override { (call_->*end_)(ok); }

 private:
  Call* const call_;
  const End end_;
};

class QueuedCall;

// What the calls of one queue share. Outlives them.
class CallQueue {
 public:
  enum class Operation { kRead, kWrite, kFinish, kFinishUnary };

  // None of these is owned. `loop` is what the handlers post to.
  CallQueue(grpc::AsyncGenericService* service, grpc::ServerCompletionQueue* completions,
            const CallRouter* router, Loop* loop)
      : service_(*service), completions_(*completions), router_(*router), loop_(*loop) {}
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  grpc::AsyncGenericService& service() const { return service_; }
  grpc::ServerCompletionQueue& completions() const { return completions_; }
  const CallRouter& router() const { return router_; }

  // Serves the queue on this thread until it is shut down and empty, and helps the loop with what
  // the handlers have posted.
  void Serve() ABSL_LOCKS_EXCLUDED(mutex_);

  // Starts an operation of a call: at once, if this is the thread that serves, or that one sleeps.
  // Else it starts it, between two of its own: threads that work on one connection at the same time
  // get into each other's way, and gRPC then brings in a third one.
  void Begin(QueuedCall* call, Operation operation) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls that are there, those that wait for a client included.
  void Add() ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove() ABSL_LOCKS_EXCLUDED(mutex_);
  void WaitUntilEmpty() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Begun {
    QueuedCall* call;
    Operation operation;
  };

  void ServeCalls() ABSL_LOCKS_EXCLUDED(mutex_);
  // False if there was nothing to help with.
  bool HelpLoop();
  // What others have begun meanwhile.
  void StartBegun() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether an answer is due that is worth staying awake for.
  bool LookOut();
  // Whether a task of the loop waits for this thread to help again.
  bool Lingers();
  void EndLooking();
  // False if something is to be done before.
  bool FallAsleep() ABSL_LOCKS_EXCLUDED(mutex_);
  void WakeUp() ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& completions_;
  const CallRouter& router_;
  Loop& loop_;
  std::atomic<std::thread::id> server_{std::thread::id()};
  std::atomic<bool> any_begun_{false};
  absl::Mutex mutex_;
  bool awake_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Begun> begun_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  // These are the serving thread's. To keep its memory:
  std::vector<Begun> starting_;
  Lookout lookout_;
  // It looks at the loop's sockets.
  bool looks_ = false;
};

// What all calls of a queue have in common.
class QueuedCall : public CallContext {
 public:
  // Starts what has been begun. For the queue.
  virtual void Start(CallQueue::Operation operation) = 0;

 protected:
  explicit QueuedCall(CallQueue* queue) : queue_(queue) { queue_->Add(); }
  ~QueuedCall() override { queue_->Remove(); }

  void Finish(const grpc::Status& status) final {
    status_ = status;
    queue_->Begin(this, CallQueue::Operation::kFinish);
  }
  void FinishUnary(const grpc::Status& status) final {
    if (!status.ok()) return Finish(status);
    if (messages() != nullptr) response_ = messages()->Encode();
    queue_->Begin(this, CallQueue::Operation::kFinishUnary);
  }

  CallQueue* const queue_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
};

// What a client has sent under this key, or nothing. Valid as long as the context.
inline absl::string_view FindMetadata(const grpc::ServerContextBase& context,
                                      absl::string_view key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(grpc::string_ref(key.data(), key.size()));
  if (found == metadata.end()) return {};
  return absl::string_view(found->second.data(), found->second.size());
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_CALL_QUEUE_H_
