#ifndef EVENTBUS_SERVER_RPC_SUBSCRIBER_CALL_H_
#define EVENTBUS_SERVER_RPC_SUBSCRIBER_CALL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/broker/subscription.h"
#include "server/observe/metrics.h"
#include "server/rpc/heartbeat.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/open_request.h"
#include "server/rpc/outbox.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/subscriber_messages.h"

namespace eventbus {

// The gRPC end of a subscriber's call: the operations of the reactors of Subscribe and Receive.
// Called with the call's mutex held, so reactions must not be run from within.
class SubscriberTransport {
 public:
  virtual ~SubscriberTransport() = default;
  // One at a time each; `message` stays until WriteDone.
  virtual void BeginWrite(const grpc::ByteBuffer* message) = 0;
  // Receive has nothing to read.
  virtual void BeginRead() {}
  // Once, and last.
  virtual void End(const grpc::Status& status) = 0;
  // Breaks the call off: for a peer that takes nothing any more.
  virtual void BreakOff() = 0;
};

// One Subscribe or Receive call between gRPC's threads and the loop: it hands the broker's
// deliveries to the transport, one message at a time, and the client's wishes to the broker.
//
// Shared by the reactor (until gRPC is done with the call) and the loop (while the broker has it as
// a sink). Whoever ends it:
//   the client goes away    Cancelled → broker Close, transport End
//   the client errs         Fail      → broker Close, transport End with the error
//   the broker ends it      OnClosed  → what waits is written, then transport End
// Functions under "gRPC's threads" and "loop" may be called there only; what both touch is guarded.
class SubscriberCall final : public SubscriberSink,
                             public DrainableCall,
                             public std::enable_shared_from_this<SubscriberCall> {
 public:
  // `transport` must live until TransportDone.
  SubscriberCall(const RpcContext& rpc, OpenCalls* calls, SubscriberCallKind kind,
                 SubscriberTransport* transport);
  SubscriberCall(const SubscriberCall&) = delete;
  SubscriberCall& operator=(const SubscriberCall&) = delete;
  ~SubscriberCall() override;

  // ---- gRPC's threads ----

  // Begins to read. Once, before anything else.
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);
  // At most once.
  void Open(SubscriberRequest request) ABSL_LOCKS_EXCLUDED(mutex_);
  // After Open.
  void Settle(SettleCommand command) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetFlow(FlowLimits flow) ABSL_LOCKS_EXCLUDED(mutex_);
  // The client lives; for operators.
  void NoteActivity() ABSL_LOCKS_EXCLUDED(mutex_);
  void AnswerPing(uint64_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the call with an error of the client.
  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  // A read has ended: with a message, which has been dealt with, or because the client will send no
  // more, which it has said, or is gone (`cancelled`).
  void ReadDone(bool more, bool cancelled) ABSL_LOCKS_EXCLUDED(mutex_);
  void WriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void Cancelled() ABSL_LOCKS_EXCLUDED(mutex_);
  // Last. The transport is gone after it.
  void TransportDone() ABSL_LOCKS_EXCLUDED(mutex_);

  // ---- any thread ----

  // Ends the call if the broker does not know it yet; tells of a drain in order else.
  void Drain() override ABSL_LOCKS_EXCLUDED(mutex_);

  // ---- loop ----

  void OnOpened(const OpenedInfo& opened) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDeliveries(std::vector<DeliveryRun> runs) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnSettled(const SettledInfo& settled) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
              absl::string_view message) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnTokensLost(const std::vector<DeliveryToken>& tokens, LostReason reason,
                    absl::string_view message) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDrain(absl::Time deadline, absl::string_view message) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnClosed(const absl::Status& why) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Command = absl::AnyInvocable<void(Broker&, SubscriptionId)>;

  // ---- loop ----
  void OpenOnLoop(OpenRequest request);
  // The subscription has ended on either side: nothing is left on the loop. May destroy this.
  void LeaveLoop();
  void HeartbeatDue() ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs `command` on the loop, unless the subscription has ended by then.
  void PostCommand(Command command) ABSL_LOCKS_EXCLUDED(mutex_);
  void PostClose(CallEnd end = CallEnd::kInPeace) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddMessage(const std::optional<grpc::ByteBuffer>& message) ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts whatever can be started now.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishNow(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayRead() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const RpcContext& rpc_;
  OpenCalls* const calls_;
  const SubscriberCallKind kind_;
  const SubscriberMessages& messages_;
  RpcMetrics* const metrics_;

  // Loop only, except that Open writes the first three before it posts.
  bool tail_ = false;
  absl::Duration heartbeat_;
  bool answers_pings_ = false;
  SubscriptionId id_ = 0;
  // Keeps this alive while the broker has it.
  std::shared_ptr<SubscriberCall> loop_share_;
  std::unique_ptr<Timer> heartbeat_timer_;
  std::optional<SubscriberKind> counted_as_;

  absl::Mutex mutex_;
  SubscriberTransport* transport_ ABSL_GUARDED_BY(mutex_);
  Outbox outbox_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer outgoing_ ABSL_GUARDED_BY(mutex_);
  // What is in outgoing_.
  uint64_t outgoing_events_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t outgoing_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  Heartbeat heartbeat_state_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool said_goodbye_ ABSL_GUARDED_BY(mutex_) = false;
  bool open_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool close_posted_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // Commands that the loop has not run yet.
  size_t posted_commands_ ABSL_GUARDED_BY(mutex_) = 0;
  // How the call is to end, once that is known.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_SUBSCRIBER_CALL_H_
