#ifndef EVENTBUS_SERVER_RPC_PUBLISH_STREAM_H_
#define EVENTBUS_SERVER_RPC_PUBLISH_STREAM_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/publish_command.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/door.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// One PublishStream call. Messages are checked on gRPC's threads and published on the loop; their
// answers, which may come in any order, become cumulative acknowledgements, as many in one message
// as came while the last one was being written.
//
// Bounded by the window: with that much unacknowledged it does not read on, and a client that does
// not read its acknowledgements is stopped by that.
//
// Any thread; what is guarded is. Owns itself from Start to OnDone, and lives on while the broker
// owes it answers.
class PublishStreamCall final : public StreamReactor,
                                public DrainableCall,
                                public std::enable_shared_from_this<PublishStreamCall> {
 public:
  static PublishStreamCall* Start(const RpcContext& rpc, OpenCalls* calls, CallContext* context);

  PublishStreamCall(const RpcContext& rpc, OpenCalls* calls, CallContext* context);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override;
  void Drain() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // A message of the client that is not acknowledged.
  struct Message {
    uint64_t bytes = 0;
    bool return_results = false;
    // Set once decided.
    std::optional<PublishOutcome> outcome;
    EventIds ids;
  };

  // Takes one message. An error ends the call.
  absl::Status Take(const grpc::ByteBuffer& buffer);
  void Publish(uint64_t sequence, bool return_results, CheckedEvents events, absl::Time received);
  void Decide(uint64_t sequence, PublishOutcome outcome, EventIds ids) ABSL_LOCKS_EXCLUDED(mutex_);
  // Stops reading; the call ends with `status` once all is acknowledged.
  void EndWith(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts whatever can be started now.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(const grpc::ByteBuffer& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  grpc::ByteBuffer TakeAcknowledgement() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishNow(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RpcContext& rpc_;
  OpenCalls* const calls_;
  CallContext* const context_;
  std::shared_ptr<PublishStreamCall> self_;
  grpc::ByteBuffer incoming_;
  // Of the last message taken. Touched by the one read at a time only.
  uint64_t last_sequence_ = 0;

  absl::Mutex mutex_;
  grpc::ByteBuffer outgoing_ ABSL_GUARDED_BY(mutex_);
  // The sequences after acknowledged_, in order.
  std::deque<Message> messages_ ABSL_GUARDED_BY(mutex_);
  uint64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t unacknowledged_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // How the call is to end, once that is known.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PUBLISH_STREAM_H_
