#include "client/cpp/src/subscribe_call.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/cpp/src/bidi_call.h"
#include "client/cpp/src/settle_buffer.h"
#include "client/cpp/src/status.h"
#include "eventbus/v1/broker.grpc.pb.h"

namespace eventbus::client {
namespace {

// As many acks go without waiting for more.
constexpr size_t kFullSettlement = 256;
constexpr uint64_t kFinalConfirm = 1;
constexpr int64_t kNotReading = 0;

int64_t NowNanos() { return absl::GetCurrentTimeNanos(); }

class GrpcSubscribeCall final : public SubscribeCall,
                                public BidiCall<v1::SubscribeRequest, v1::SubscribeResponse> {
 public:
  GrpcSubscribeCall(const v1::SubscribeOpen& open, Events events) : events_(std::move(events)) {
    *request_.mutable_open() = open;
  }

  void Start(std::shared_ptr<Connection> connection, const std::shared_ptr<grpc::Channel>& channel,
             std::shared_ptr<CallCount> calls) override {
    channel_ = channel;
    v1::EventBus::Stub(channel).async()->Subscribe(&context(), this);
    Run(std::move(connection), std::move(calls));
    Write(&request_);
    Read(message_->response);
  }

  void SettleDelivery(uint64_t number, const Settle& verdict, bool now) override {
    bool wait = false;
    {
      absl::MutexLock lock(&mutex_);
      if (lost_.contains(number)) return;
      held_.erase(number);
      Count(verdict, number);
      now = now || verdict.kind() != Settle::Kind::kAck || buffer_.size() >= kFullSettlement;
      wait = !now && !std::exchange(flush_expected_, true);
    }
    if (now) WriteNext(/*flush=*/true);
    if (wait) events_.on_settlements_wait();
  }

  void Hold(uint64_t number) override {
    absl::MutexLock lock(&mutex_);
    if (!lost_.contains(number)) held_.insert(number);
  }

  void FlushSettlements() override { WriteNext(/*flush=*/true); }

  bool IsLost(uint64_t number) override {
    if (!any_lost_.load(std::memory_order_relaxed)) return false;
    absl::MutexLock lock(&mutex_);
    return lost_.contains(number);
  }

  void ReadOn() override {
    last_received_ = NowNanos();
    Read(message_->response);
  }

  void StopDeliveries() override {
    {
      absl::MutexLock lock(&mutex_);
      stop_deliveries_ = true;
    }
    WriteNext(/*flush=*/false);
  }

  void Finish() override {
    {
      absl::MutexLock lock(&mutex_);
      StartFinish();
    }
    WriteNext(/*flush=*/true);
  }

  void FinishWhenSettled() override {
    {
      absl::MutexLock lock(&mutex_);
      finish_when_settled_ = true;
      if (unsettled_ == held_.size()) StartFinish();
    }
    WriteNext(/*flush=*/true);
  }

  void CancelCall() override { Cancel(); }

  void GiveUp(const absl::Status& why) override {
    {
      absl::MutexLock lock(&mutex_);
      given_up_ = why;
    }
    Cancel();
  }

  bool has_nacked() const override { return has_nacked_; }
  const std::shared_ptr<grpc::Channel>& channel() const override { return channel_; }
  absl::Time last_received() const override {
    const int64_t nanos = last_received_;
    return nanos == kNotReading ? absl::InfiniteFuture() : absl::FromUnixNanos(nanos);
  }

 private:
  void OnRead(bool ok) override {
    if (!ok) return;
    last_received_ = NowNanos();
    v1::SubscribeResponse& response = *message_->response;
    switch (response.message_case()) {
      case v1::SubscribeResponse::kOpened:
        events_.on_opened(response.opened());
        break;
      case v1::SubscribeResponse::kDeliveries:
        if (!TakeDeliveries()) return;
        break;
      case v1::SubscribeResponse::kSettled:
        if (response.settled().confirm() == kFinalConfirm) Cancel();
        break;
      case v1::SubscribeResponse::kLost:
        TakeLost(response.lost());
        break;
      case v1::SubscribeResponse::kPing:
        AnswerPing(response.ping().number());
        break;
      case v1::SubscribeResponse::kDrain:
        events_.on_drain(response.drain());
        break;
      default:  // A pong, or what a later version of the contract says.
        break;
    }
    Read(message_->response);
  }

  void OnWritten(bool ok) override {
    if (!ok) return;
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
    }
    WriteNext(/*flush=*/false);
  }

  void OnFinished(const grpc::Status& status) override {
    const auto on_finished = events_.on_finished;
    absl::Status why;
    {
      absl::MutexLock lock(&mutex_);
      why = given_up_;
    }
    on_finished(why.ok() ? FromGrpc(status) : why);
  }

  bool TakeDeliveries() {
    std::shared_ptr<const ReceivedMessage> message = std::move(message_);
    message_ = std::make_shared<ReceivedMessage>();
    {
      absl::MutexLock lock(&mutex_);
      for (const v1::DeliveryBatch& batch : message->response->deliveries().batches()) {
        unsettled_ += static_cast<size_t>(batch.events_size());
      }
    }
    // Before the owner may call ReadOn.
    last_received_ = kNotReading;
    if (!events_.on_deliveries(std::move(message))) return false;
    last_received_ = NowNanos();
    return true;
  }

  void TakeLost(const v1::LostLeases& lost) {
    {
      absl::MutexLock lock(&mutex_);
      for (const v1::DeliveryRange& range : lost.deliveries()) {
        for (uint64_t number = range.first(); number <= range.last() && unsettled_ > 0; ++number) {
          if (!lost_.insert(number).second) continue;
          held_.erase(number);
          --unsettled_;
        }
      }
      any_lost_ = true;
      if (finish_when_settled_ && unsettled_ == held_.size()) StartFinish();
    }
    WriteNext(/*flush=*/false);
  }

  void AnswerPing(uint64_t number) {
    {
      absl::MutexLock lock(&mutex_);
      pong_ = number;
    }
    WriteNext(/*flush=*/false);
  }

  void Count(const Settle& verdict, uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    switch (verdict.kind()) {
      case Settle::Kind::kAck:
        buffer_.AddAck(number);
        break;
      case Settle::Kind::kNack:
        buffer_.AddNack(number, verdict);
        has_nacked_ = true;
        break;
      case Settle::Kind::kReject:
        buffer_.AddReject(number, verdict);
        has_nacked_ = true;
        break;
      case Settle::Kind::kRelease:
      case Settle::Kind::kLeave:
        buffer_.AddRelease(number);
        break;
    }
    if (unsettled_ > 0) --unsettled_;
    if (finish_when_settled_ && unsettled_ == held_.size()) StartFinish();
  }

  void StartFinish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(finish_started_, true)) return;
    for (const uint64_t number : held_) buffer_.AddRelease(number);
    unsettled_ -= std::min(unsettled_, held_.size());
    held_.clear();
    finish_ = true;
  }

  // Writes the most urgent thing there is, if nothing is being written. Verdicts wait for a flush.
  void WriteNext(bool flush) {
    {
      absl::MutexLock lock(&mutex_);
      flush_ = flush_ || flush;
      if (writing_) return;
      if (pong_) {
        request_.mutable_pong()->set_number(*std::exchange(pong_, std::nullopt));
      } else if (std::exchange(stop_deliveries_, false)) {
        // The least there is: what the released events would bring back, stays with the server.
        request_.mutable_flow()->set_max_in_flight(1);
        request_.mutable_flow()->clear_max_in_flight_bytes();
      } else if (finish_ || (flush_ && !buffer_.empty())) {
        v1::Settlement& settlement = *request_.mutable_settle();
        settlement.Clear();
        buffer_.TakeInto(settlement);
        if (std::exchange(finish_, false)) settlement.set_confirm(kFinalConfirm);
        flush_ = flush_expected_ = false;
      } else {
        flush_ = false;
        return;
      }
      writing_ = true;
    }
    Write(&request_);
  }

  Events events_;
  std::shared_ptr<grpc::Channel> channel_;
  std::shared_ptr<ReceivedMessage> message_ = std::make_shared<ReceivedMessage>();
  std::atomic<int64_t> last_received_ = NowNanos();
  std::atomic<bool> has_nacked_ = false;
  std::atomic<bool> any_lost_ = false;

  absl::Mutex mutex_;
  // Changed only while nothing is being written.
  v1::SubscribeRequest request_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;  // `open`, until it is out.
  std::optional<uint64_t> pong_ ABSL_GUARDED_BY(mutex_);
  absl::Status given_up_ ABSL_GUARDED_BY(mutex_);
  bool stop_deliveries_ ABSL_GUARDED_BY(mutex_) = false;
  SettleBuffer buffer_ ABSL_GUARDED_BY(mutex_);
  // Verdicts are to go out, not to wait for more.
  bool flush_ ABSL_GUARDED_BY(mutex_) = false;
  // The owner was told of waiting verdicts.
  bool flush_expected_ ABSL_GUARDED_BY(mutex_) = false;
  bool finish_when_settled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finish_started_ ABSL_GUARDED_BY(mutex_) = false;
  bool finish_ ABSL_GUARDED_BY(mutex_) = false;
  // Delivered and not settled, those that are held included.
  size_t unsettled_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<uint64_t> held_ ABSL_GUARDED_BY(mutex_);
  std::set<uint64_t> lost_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<SubscribeCall> SubscribeCall::Make(const v1::SubscribeOpen& open, Events events) {
  return std::make_shared<GrpcSubscribeCall>(open, std::move(events));
}

}  // namespace eventbus::client
