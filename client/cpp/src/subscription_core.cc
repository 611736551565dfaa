#include "client/cpp/src/subscription_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cpp/src/convert.h"
#include "client/cpp/src/status.h"
#include "eventbus/errors.h"

namespace eventbus::client {
namespace {

// How long an ack waits for others to share a message with.
constexpr absl::Duration kSettleDelay = absl::Milliseconds(5);
// A call that was open for so long has proven the server's health.
constexpr absl::Duration kStableAfter = absl::Seconds(5);
// The contract's limit on AfterPositions.positions.
constexpr size_t kMaxPositions = 1'000;
// For `opened`, which the server may hold back while its store is away.
constexpr absl::Duration kOpenPatience = absl::Seconds(20);

// A server that is there says something once a heartbeat; then it has time for being slow.
absl::Duration PatienceOf(absl::Duration heartbeat) {
  return heartbeat + std::max(heartbeat * 2 / 3, absl::Seconds(2));
}

}  // namespace

Subscription::Core::Core(std::shared_ptr<Connection> connection, SubscriptionSpec spec,
                         Handler handler)
    : connection_(std::move(connection)), spec_(std::move(spec)), handler_(std::move(handler)) {}

Subscription::Core::~Core() {
  if (!spec_.reserved_group.empty()) connection_->groups().Leave(spec_.reserved_group);
}

absl::Status Subscription::Core::Open() {
  for (int i = 0; i < spec_.handler_threads; ++i) {
    threads_.emplace_back([this] { RunHandlers(); });
  }
  Connect();
  absl::MutexLock lock(&mutex_);
  const bool decided =
      mutex_.AwaitWithTimeout(absl::Condition(this, &Core::OpenedOrEnded), spec_.open_timeout);
  if (opened_) return absl::OkStatus();
  if (end_) return *end_;
  if (decided) return absl::CancelledError("stopped before it was open");
  if (!last_error_.ok()) return last_error_;
  return absl::DeadlineExceededError(
      absl::StrCat("the broker did not open the subscription within ",
                   absl::FormatDuration(spec_.open_timeout)));
}

v1::SubscribeOpen Subscription::Core::MakeOpen() const {
  v1::SubscribeOpen open = spec_.open;
  if (!spec_.tail) {
    // The same group as before, whose name the server may have made.
    if (opened_) open.mutable_group()->set_name(info_.group);
    return open;
  }
  if (!opened_ || (seen_.empty() && !open.start().has_latest())) return open;
  // Behind what was seen; streams that came since then from where the tail began.
  v1::StartPosition::AfterPositions after;
  const bool all = seen_.size() <= kMaxPositions;
  if (open.start().has_time()) {
    *after.mutable_others_from() = open.start().time();
  } else if (open.start().has_latest()) {
    *after.mutable_others_from() = ToProto(first_opened_at_);
  } else if (open.start().has_after()) {
    after = open.start().after();
  }
  if (all) {
    for (const auto& [stream, position] : seen_) (*after.mutable_positions())[stream] = position;
  }
  if (!all || after.positions_size() > static_cast<int>(kMaxPositions)) {
    // Too many streams to name: from the moment when the connection was last known to stand.
    *open.mutable_start()->mutable_time() = ToProto(opened_at_);
    return open;
  }
  *open.mutable_start()->mutable_after() = std::move(after);
  return open;
}

void Subscription::Core::Connect() {
  uint64_t number = 0;
  std::shared_ptr<SubscribeCall> call;
  const std::shared_ptr<grpc::Channel> channel = connection_->channel();
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_ || end_ || current_ != 0) return;
    number = ++calls_made_;
    const std::weak_ptr<Core> weak = weak_from_this();
    SubscribeCall::Events events;
    events.on_opened = [weak, number](const v1::SubscribeOpened& opened) {
      if (const auto self = weak.lock()) self->OnOpened(number, opened);
    };
    events.on_deliveries = [weak, number](std::shared_ptr<const ReceivedMessage> message) {
      const auto self = weak.lock();
      return self == nullptr || self->OnDeliveries(number, std::move(message));
    };
    events.on_drain = [weak, number](const v1::Drain& drain) {
      if (const auto self = weak.lock()) self->OnDrain(number, drain);
    };
    events.on_settlements_wait = [weak, number] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->connection_->scheduler().After(kSettleDelay, [weak, number] {
        const auto later = weak.lock();
        if (later == nullptr) return;
        std::shared_ptr<SubscribeCall> waiting;
        {
          absl::MutexLock waiting_lock(&later->mutex_);
          const auto found = later->calls_.find(number);
          if (found != later->calls_.end()) waiting = found->second;
        }
        if (waiting != nullptr) waiting->FlushSettlements();
      });
    };
    events.on_finished = [weak, number](const absl::Status& status) {
      if (const auto self = weak.lock()) self->OnFinished(number, status);
    };
    call = SubscribeCall::Make(MakeOpen(), std::move(events));
    calls_[number] = call;
    current_ = number;
    reading_paused_ = false;
  }
  call->Start(connection_, channel, call_count_);
  Watch(number, kOpenPatience, /*until_opened=*/true);
}

void Subscription::Core::ConnectAfter(absl::Duration delay) {
  connection_->scheduler().After(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Connect();
  });
}

void Subscription::Core::OnOpened(uint64_t number, const v1::SubscribeOpened& opened) {
  SubscriptionInfo info;
  {
    absl::MutexLock lock(&mutex_);
    if (number != current_) return;
    opened_call_ = number;
    info_ = SubscriptionInfo{.subscription_id = opened.subscription_id(),
                             .instance_id = opened.instance_id(),
                             .group = opened.group(),
                             .group_created = opened.group_created()};
    info = info_;
    opened_at_ = absl::Now();
    if (!opened_) first_opened_at_ = opened_at_;
  }
  // Before Subscribe returns, and before the first handler.
  if (spec_.on_open != nullptr) spec_.on_open(info);
  {
    absl::MutexLock lock(&mutex_);
    opened_ = true;
  }
  const absl::Duration heartbeat = FromProto(opened.heartbeat());
  if (heartbeat > absl::ZeroDuration()) {
    Watch(number, PatienceOf(heartbeat), /*until_opened=*/false);
  }
}

void Subscription::Core::Watch(uint64_t number, absl::Duration patience, bool until_opened) {
  LookAfter(patience, number, patience, until_opened);
}

void Subscription::Core::LookAfter(absl::Duration delay, uint64_t number, absl::Duration patience,
                                   bool until_opened) {
  connection_->scheduler().After(delay, [weak = weak_from_this(), number, patience, until_opened] {
    if (const auto self = weak.lock()) self->LookAtSilence(number, patience, until_opened);
  });
}

void Subscription::Core::LookAtSilence(uint64_t number, absl::Duration patience,
                                       bool until_opened) {
  constexpr absl::Duration kLeast = absl::Milliseconds(10);
  std::shared_ptr<SubscribeCall> call;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = calls_.find(number);
    if (found == calls_.end() || (until_opened && opened_call_ == number)) return;
    call = found->second;
  }
  // Endless while the owner does not read.
  const absl::Time last = call->last_received();
  const absl::Duration left =
      last == absl::InfiniteFuture() ? patience : last + patience - absl::Now();
  if (left > absl::ZeroDuration()) {
    return LookAfter(std::max(left, kLeast), number, patience, until_opened);
  }
  // A half-open link, perhaps behind a proxy that keeps the connection up: nothing else would ever
  // tell, and what goes over the same connection next would fall silent too.
  connection_->LeaveChannel(call->channel());
  call->GiveUp(absl::UnavailableError(absl::StrCat("nothing came from the server for ",
                                                   absl::FormatDuration(patience),
                                                   "; trying another connection")));
}

bool Subscription::Core::OnDeliveries(uint64_t number,
                                      std::shared_ptr<const ReceivedMessage> message) {
  absl::MutexLock lock(&mutex_);
  // What comes while stopping goes back with the end of the call.
  const auto call = calls_.find(number);
  if (stopping_ || call == calls_.end()) return true;
  for (const v1::DeliveryBatch& batch : message->response->deliveries().batches()) {
    waiting_ += static_cast<uint64_t>(batch.events_size());
  }
  waiting_bytes_ += message->arena.SpaceUsed();
  work_.push_back({call->second, std::move(message)});
  reading_paused_ =
      spec_.tail && (waiting_ >= spec_.max_waiting || waiting_bytes_ >= spec_.max_waiting_bytes);
  return !reading_paused_;
}

void Subscription::Core::OnDrain(uint64_t number, const v1::Drain& drain) {
  std::shared_ptr<SubscribeCall> call;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    call = found->second;
    if (number == current_) current_ = 0;
  }
  connection_->LeaveChannel(call->channel());
  if (spec_.tail) {
    // Nothing to settle. Its end brings the new call, behind what the handler has seen by then.
    call->CancelCall();
    return;
  }
  call->FinishWhenSettled();
  const absl::Duration left = FromProto(drain.deadline()) - absl::Now();
  CancelAfter(std::clamp(left, absl::ZeroDuration(), absl::Hours(12)) + kFinishTimeout, call);
  Connect();
}

void Subscription::Core::CancelAfter(absl::Duration delay,
                                     const std::weak_ptr<SubscribeCall>& call) {
  connection_->scheduler().After(delay, [call] {
    if (const auto finishing = call.lock()) finishing->CancelCall();
  });
}

void Subscription::Core::OnFinished(uint64_t number, const absl::Status& status) {
  bool connect = false;
  bool quiet = false;
  absl::Duration delay;
  std::shared_ptr<SubscribeCall> call;
  std::vector<Work> dropped;
  const absl::Status why =
      status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    call = found->second;
    calls_.erase(found);
    // They come again: to the group, or to a tail that goes on behind what it has seen.
    DropWork(call, dropped);
    const bool was_current = number == current_;
    if (was_current) current_ = 0;
    if (stopping_ || end_) return;
    if (!was_current && !spec_.tail) return;
    if (!spec_.tail && call->has_nacked() && !nacks_refused_ &&
        why.code() == absl::StatusCode::kUnimplemented) {
      nacks_refused_ = true;
      connect = true;
    } else if (IsPermanent(why)) {
      end_ = why;
      quiet = running_ == 0;
    } else {
      if (opened_ && absl::Now() - opened_at_ > kStableAfter) backoff_.Reset();
      delay = std::max(backoff_.Next(), GetRetryDelay(why).value_or(absl::ZeroDuration()));
    }
    last_error_ = why;
    if (end_ && !quiet) return;
  }
  if (quiet) {
    FinishCalls();
    return;
  }
  if (GetErrorReason(why) == v1::ERROR_REASON_DRAINING) {
    connection_->LeaveChannel(call->channel());
  }
  if (spec_.on_interruption != nullptr) spec_.on_interruption(why);
  if (connect) {
    Connect();
  } else {
    ConnectAfter(delay);
  }
}

}  // namespace eventbus::client
