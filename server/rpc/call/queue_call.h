#ifndef EVENTBUS_SERVER_RPC_CALL_QUEUE_CALL_H_
#define EVENTBUS_SERVER_RPC_CALL_QUEUE_CALL_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/call/call_router.h"

namespace eventbus {

// What comes out of a completion queue: an operation that has ended.
class QueueTag {
 public:
  virtual ~QueueTag() = default;
  // On the queue's thread.
  virtual void Ended(bool ok) = 0;
};

// One call on a completion queue, from waiting for it until nothing of it is left. Owns itself.
// Operations may be begun on any thread; all else happens on the queue's.
class QueueCall final : public CallContext {
 public:
  // What calls of a queue share; outlives them. None of it is owned.
  struct Queue {
    grpc::AsyncGenericService* service = nullptr;
    grpc::ServerCompletionQueue* completions = nullptr;
    const CallRouter* router = nullptr;
    absl::Mutex mutex;
    // Calls that are there, those that wait for a client included.
    int calls ABSL_GUARDED_BY(mutex) = 0;
  };

  // Takes the next call of a client. The server must be running.
  static void AwaitOne(Queue* queue);

  std::string Peer() const override { return context_.peer(); }
  absl::string_view Metadata(absl::string_view key) const override;
  bool IsCancelled() const override { return cancelled_.load(std::memory_order_acquire); }
  void TryCancel() override { context_.TryCancel(); }

 private:
  // An operation of a call, as a tag.
  class Operation final : public QueueTag {
   public:
    using End = void (QueueCall::*)(bool ok);
    Operation(QueueCall* call, End end) : call_(call), end_(end) {}
    void Ended(bool ok) override { (call_->*end_)(ok); }

   private:
    QueueCall* const call_;
    const End end_;
  };

  explicit QueueCall(Queue* queue);
  ~QueueCall() override;

  void StartRead(grpc::ByteBuffer* message) override;
  void StartWrite(const grpc::ByteBuffer* message) override;
  void Finish(const grpc::Status& status) override;
  void FinishUnary(const grpc::Status& status) override;

  // What the operations end with.
  void Accepted(bool ok);
  void ReadEnded(bool ok);
  void NoMoreToRead(bool ok);
  void WriteEnded(bool ok);
  void FinishEnded(bool ok);
  void CallEnded(bool ok);

  void TakeOnlyMessage(bool ok);
  // An operation less. The call may be gone after it.
  void Release();

  Queue* const queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  Operation accepted_{this, &QueueCall::Accepted};
  Operation read_{this, &QueueCall::ReadEnded};
  Operation no_more_to_read_{this, &QueueCall::NoMoreToRead};
  Operation write_{this, &QueueCall::WriteEnded};
  Operation finish_{this, &QueueCall::FinishEnded};
  Operation call_ended_{this, &QueueCall::CallEnded};

  // Of gRPC's operations, those under way; Finish counts from the start.
  std::atomic<int> under_way_{2};
  std::atomic<bool> cancelled_{false};
  // The method; nullptr if it is unknown.
  const CallRouter::Method* method_ = nullptr;
  // While the one message of a client that sends only one is being read.
  bool reads_only_message_ = false;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  // At most one of the two, from when the handler has begun.
  StreamReactor* stream_reactor_ = nullptr;
  UnaryReactor* unary_reactor_ = nullptr;
  grpc::Alarm later_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_QUEUE_CALL_H_
