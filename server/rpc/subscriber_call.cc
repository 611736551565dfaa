#include "server/rpc/subscriber_call.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"
#include "server/rpc/errors.h"

namespace eventbus {
namespace {

// With this many commands not yet run, or answers not yet written, the client is not read from.
constexpr size_t kMaxPostedCommands = 64;
constexpr size_t kMaxWaitingMessages = 64;

absl::Duration SteadyNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

SubscriberCall::SubscriberCall(const RpcContext& rpc, OpenCalls* calls, SubscriberCallKind kind,
                               SubscriberTransport* transport)
    : rpc_(rpc),
      calls_(calls),
      kind_(kind),
      messages_(kind == SubscriberCallKind::kSubscribe ? SubscribeMessages() : ReceiveMessages()),
      metrics_(kind == SubscriberCallKind::kSubscribe ? rpc.subscribe_metrics
                                                      : rpc.receive_metrics),
      transport_(transport) {}

SubscriberCall::~SubscriberCall() = default;

// ---- gRPC's threads ----

void SubscriberCall::Start() {
  {
    absl::MutexLock lock(&mutex_);
    half_closed_ = kind_ == SubscriberCallKind::kReceive;
    Advance();
  }
  calls_->Add(shared_from_this());
}

void SubscriberCall::Open(SubscriberRequest request) {
  absl::MutexLock lock(&mutex_);
  if (finished_ || end_.has_value()) return;
  tail_ = request.open.tail;
  heartbeat_ = request.heartbeat;
  answers_pings_ = request.answers_pings;
  open_posted_ = true;
  rpc_.loop->Post([self = shared_from_this(), open = std::move(request.open)]() mutable {
    self->OpenOnLoop(std::move(open));
  });
}

void SubscriberCall::Settle(SettleCommand command) {
  PostCommand([command = std::move(command)](Broker& broker, SubscriptionId id) mutable {
    broker.Settle(id, std::move(command));
  });
}

void SubscriberCall::SetFlow(FlowLimits flow) {
  PostCommand([flow](Broker& broker, SubscriptionId id) { broker.SetFlow(id, flow); });
}

void SubscriberCall::NoteActivity() {
  PostCommand([](Broker& broker, SubscriptionId id) { broker.NoteActivity(id); });
}

void SubscriberCall::AnswerPing(uint64_t number) {
  const std::optional<grpc::ByteBuffer> pong = messages_.Pong(number);
  if (!pong.has_value()) return;
  absl::MutexLock lock(&mutex_);
  outbox_.SetPong(*pong);
  Advance();
}

void SubscriberCall::Fail(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  PostClose();
  FinishNow(status);
}

void SubscriberCall::ReadDone(bool more, bool cancelled) {
  absl::MutexLock lock(&mutex_);
  reading_ = false;
  if (more) {
    heartbeat_state_.Received(SteadyNow());
  } else {
    half_closed_ = true;
    said_goodbye_ = !cancelled;
    heartbeat_state_.NoMoreToReceive();
  }
  Advance();
}

void SubscriberCall::WriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  outgoing_.Clear();
  // Otherwise the call is broken, and Cancelled ends it.
  if (!ok) return;
  heartbeat_state_.Sent(SteadyNow());
  if (tail_ && outgoing_events_ > 0) {
    rpc_.loop->Post(
        [self = shared_from_this(), events = outgoing_events_, bytes = outgoing_bytes_] {
          if (self->loop_share_ != nullptr) self->rpc_.broker->Taken(self->id_, events, bytes);
        });
  }
  Advance();
}

void SubscriberCall::Cancelled() {
  absl::MutexLock lock(&mutex_);
  // A client that has said that it is done settling, and one of Receive, which has no other way to
  // end its call, go in peace.
  PostClose(kind_ == SubscriberCallKind::kSubscribe && !said_goodbye_ ? CallEnd::kBroken
                                                                      : CallEnd::kInPeace);
  FinishNow(absl::CancelledError("the client ended the call"));
}

void SubscriberCall::TransportDone() {
  calls_->Remove(this);
  absl::MutexLock lock(&mutex_);
  PostClose();
  transport_ = nullptr;
  outbox_.DropDeliveries();
}

// ---- any thread ----

void SubscriberCall::Drain() {
  absl::MutexLock lock(&mutex_);
  // The broker drains what it knows, and gives it time to settle.
  if (open_posted_) return;
  FinishNow(MakeError(absl::StatusCode::kUnavailable, Reason::kDraining,
                      "the server stops: connect again"));
}

void SubscriberCall::PostCommand(Command command) {
  absl::MutexLock lock(&mutex_);
  ++posted_commands_;
  rpc_.loop->Post([self = shared_from_this(), command = std::move(command)]() mutable {
    if (self->loop_share_ != nullptr) command(*self->rpc_.broker, self->id_);
    absl::MutexLock done_lock(&self->mutex_);
    --self->posted_commands_;
    self->Advance();
  });
}

void SubscriberCall::PostClose(CallEnd end) {
  if (!open_posted_ || close_posted_) return;
  close_posted_ = true;
  rpc_.loop->Post([self = shared_from_this(), end] {
    if (self->loop_share_ == nullptr) return;
    self->rpc_.broker->Close(self->id_, end);
    self->LeaveLoop();
  });
}

bool SubscriberCall::MayRead() const {
  return !reading_ && !half_closed_ && posted_commands_ < kMaxPostedCommands &&
         outbox_.waiting_messages() < kMaxWaitingMessages;
}

void SubscriberCall::Advance() {
  if (finished_) return;
  if (!writing_ && !outbox_.empty()) {
    DeliveryMessage message = outbox_.Take();
    writing_ = true;
    outgoing_.Swap(&message.bytes);
    outgoing_events_ = message.events;
    outgoing_bytes_ = message.event_bytes;
    heartbeat_state_.Sent(SteadyNow());
    transport_->BeginWrite(&outgoing_);
  }
  if (end_.has_value()) {
    if (!writing_) FinishNow(*end_);
  } else if (MayRead()) {
    reading_ = true;
    transport_->BeginRead();
  }
}

void SubscriberCall::FinishNow(const absl::Status& status) {
  if (finished_) return;
  finished_ = true;
  metrics_->Finished(static_cast<int>(status.code()));
  transport_->End(ToGrpcStatus(status));
}

// ---- loop ----

void SubscriberCall::OpenOnLoop(OpenRequest request) {
  loop_share_ = shared_from_this();
  id_ = rpc_.broker->Open(std::move(request), this);
}

void SubscriberCall::LeaveLoop() {
  heartbeat_timer_.reset();
  if (counted_as_.has_value()) rpc_.metrics->subscribers[*counted_as_].Subtract();
  counted_as_.reset();
  // Last: it may be the only share left.
  const std::shared_ptr<SubscriberCall> self = std::move(loop_share_);
}

void SubscriberCall::OnOpened(const OpenedInfo& opened) {
  if (kind_ == SubscriberCallKind::kReceive) {
    counted_as_ = SubscriberKind::kReceive;
  } else {
    counted_as_ = tail_ ? SubscriberKind::kTail : SubscriberKind::kGroup;
  }
  rpc_.metrics->subscribers[*counted_as_].Add();
  heartbeat_timer_ = rpc_.loop->CreateTimer([this] { HeartbeatDue(); });
  heartbeat_timer_->Arm(heartbeat_);

  absl::MutexLock lock(&mutex_);
  heartbeat_state_ = Heartbeat(heartbeat_, answers_pings_ && !half_closed_, SteadyNow());
  outbox_.SetFormat({kind_ == SubscriberCallKind::kReceive, opened.group},
                    /*keep_batches=*/opened.batch.size > 0);
  outbox_.AddMessage(messages_.Opened(opened, heartbeat_));
  Advance();
}

void SubscriberCall::OnDeliveries(std::vector<DeliveryRun> runs) {
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  outbox_.AddDeliveries(std::move(runs));
  Advance();
}

void SubscriberCall::OnSettled(const SettledInfo& settled) {
  AddMessage(messages_.Settled(settled));
}

void SubscriberCall::OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
                            absl::string_view message) {
  for (const grpc::ByteBuffer& one : messages_.Lost(deliveries, reason, message)) AddMessage(one);
}

void SubscriberCall::OnTokensLost(const std::vector<DeliveryToken>& tokens, LostReason reason,
                                  absl::string_view message) {
  for (const grpc::ByteBuffer& one : messages_.TokensLost(tokens, reason, message)) {
    AddMessage(one);
  }
}

void SubscriberCall::OnDrain(absl::Time deadline, absl::string_view message) {
  AddMessage(messages_.Drain(deadline, message));
}

void SubscriberCall::AddMessage(const std::optional<grpc::ByteBuffer>& message) {
  if (!message.has_value()) return;
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  outbox_.AddMessage(*message);
  Advance();
}

void SubscriberCall::OnClosed(const absl::Status& why) {
  const std::shared_ptr<SubscriberCall> self = shared_from_this();
  LeaveLoop();
  absl::MutexLock lock(&mutex_);
  // They are not this subscriber's any more.
  outbox_.DropDeliveries();
  end_ = why;
  Advance();
}

void SubscriberCall::HeartbeatDue() {
  absl::MutexLock lock(&mutex_);
  if (finished_) return;
  const Heartbeat::Decision decision = heartbeat_state_.Decide(SteadyNow(), writing_);
  if (decision.action == Heartbeat::Decision::Action::kGone) {
    PostClose(CallEnd::kSilent);
    const bool stuck = writing_;
    FinishNow(MakeError(absl::StatusCode::kUnavailable, Reason::kHeartbeatMissed,
                        absl::StrCat("two pings were not answered (heartbeat ",
                                     absl::FormatDuration(heartbeat_), "); subscribe again")));
    // The status would wait behind the message that the peer does not take.
    if (stuck) transport_->BreakOff();
    return;
  }
  if (decision.action == Heartbeat::Decision::Action::kPing && !writing_) {
    outbox_.SetPing(messages_.Ping(decision.ping));
    Advance();
  }
  heartbeat_timer_->Arm(decision.again_in);
}

}  // namespace eventbus
