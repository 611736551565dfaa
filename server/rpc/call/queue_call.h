#ifndef EVENTBUS_SERVER_RPC_CALL_QUEUE_CALL_H_
#define EVENTBUS_SERVER_RPC_CALL_QUEUE_CALL_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/call/call_queue.h"
#include "server/rpc/call/call_router.h"

namespace eventbus {

// One call of any method on a completion queue, from waiting for it until nothing of it is left.
// Owns itself. Operations may be begun on any thread; all else happens on the queue's.
class QueueCall final : public QueuedCall {
 public:
  // Takes the next call of a client. The server must be running.
  static void AwaitOne(CallQueue* queue);

  void Start(CallQueue::Operation operation) override;

  std::string Peer() const override { return context_.peer(); }
  absl::string_view Metadata(absl::string_view key) const override {
    return FindMetadata(context_, key);
  }
  bool IsCancelled() const override { return cancelled_.load(std::memory_order_acquire); }
  void TryCancel() override { context_.TryCancel(); }

 private:
  using Tag = CallTag<QueueCall>;

  explicit QueueCall(CallQueue* queue);
  ~QueueCall() override = default;
  void StartRead(grpc::ByteBuffer* message) override;
  void StartWrite(const grpc::ByteBuffer* message) override;

  // What the operations end with.
  void Accepted(bool ok);
  void ReadEnded(bool ok);
  void WriteEnded(bool ok);
  void FinishEnded(bool ok);
  void CallEnded(bool ok);

  void TakeOnlyMessage(bool ok);
  // An operation less. The call may be gone after it.
  void Release();

  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  Tag accepted_{this, &QueueCall::Accepted};
  Tag read_{this, &QueueCall::ReadEnded};
  Tag write_{this, &QueueCall::WriteEnded};
  Tag finish_{this, &QueueCall::FinishEnded};
  Tag call_ended_{this, &QueueCall::CallEnded};

  // Of gRPC's operations, those under way; Finish counts from the start.
  std::atomic<int> under_way_{2};
  std::atomic<bool> cancelled_{false};
  // The method; nullptr if it is unknown.
  const CallRouter::Method* method_ = nullptr;
  // While the one message of a client that sends only one is being read.
  bool reads_only_message_ = false;
  // Of what has been begun.
  grpc::ByteBuffer* read_into_ = nullptr;
  const grpc::ByteBuffer* to_write_ = nullptr;
  // At most one of the two, from when the handler has begun.
  StreamReactor* stream_reactor_ = nullptr;
  UnaryReactor* unary_reactor_ = nullptr;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_QUEUE_CALL_H_
