#ifndef EVENTBUS_SERVER_RPC_CALL_UNARY_QUEUE_CALL_H_
#define EVENTBUS_SERVER_RPC_CALL_UNARY_QUEUE_CALL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/call/call_queue.h"
#include "server/rpc/call/call_router.h"
#include "server/rpc/call/unary_methods.h"

namespace eventbus {

// One call of one of the UnaryMethods, from waiting for it until nothing of it is left. Owns
// itself. It may be finished on any thread; all else happens on the queue's.
class UnaryQueueCall final : public QueuedCall {
 public:
  // What it is a call of; both outlive it.
  struct Served {
    const UnaryMethods::Method* method;
    const CallRouter::Unary* handler;
  };

  // Takes the next call of a client. The server must be running.
  static void AwaitOne(CallQueue* queue, const Served& served);

  void Start(CallQueue::Operation operation) override;

  std::string Peer() const override { return context_.peer(); }
  absl::string_view Metadata(absl::string_view key) const override {
    return FindMetadata(context_, key);
  }
  // Not known of these calls.
  bool IsCancelled() const override { return false; }
  void TryCancel() override { context_.TryCancel(); }

 private:
  UnaryQueueCall(CallQueue* queue, const Served& served);
  ~UnaryQueueCall() override = default;

  // Unary handlers have no reactor that could begin these.
  void StartRead(grpc::ByteBuffer* /*message*/) override {}
  void StartWrite(const grpc::ByteBuffer* /*message*/) override {}

  // What the operations end with.
  void Accepted(bool ok);
  void FinishEnded(bool ok);

  const Served served_;
  grpc::ServerContext context_;
  UnaryMethods::Writer writer_;
  CallTag<UnaryQueueCall> accepted_{this, &UnaryQueueCall::Accepted};
  CallTag<UnaryQueueCall> finish_{this, &UnaryQueueCall::FinishEnded};
  UnaryReactor* reactor_ = nullptr;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_UNARY_QUEUE_CALL_H_
