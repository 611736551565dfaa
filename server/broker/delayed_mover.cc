#include "server/broker/delayed_mover.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// How much later than its time we look for what others have delayed.
constexpr absl::Duration kOthersFirst = absl::Milliseconds(30);
constexpr absl::Duration kRetryDelay = absl::Milliseconds(200);
constexpr uint64_t kMostStreams = 100;
constexpr absl::Duration kRound = absl::Minutes(1);
constexpr absl::Duration kRoundTick = absl::Milliseconds(250);
// However many types there are: then a round takes longer.
constexpr size_t kMostPerTick = 25;

}  // namespace

DelayedMover::DelayedMover(const Context* context, const Registry* registry,
                           const StreamPolicies* policies,
                           std::function<void(absl::string_view)> on_advanced, Bear bear)
    : context_(context),
      registry_(registry),
      policies_(policies),
      on_advanced_(std::move(on_advanced)),
      bear_(std::move(bear)),
      wake_timer_(context->loop->CreateTimer([this] {
        wake_at_ = absl::InfiniteDuration();
        Look();
      })),
      round_timer_(context->loop->CreateTimer([this] { RoundTick(); })) {}

void DelayedMover::Start() {
  started_ = true;
  Look();
  RoundTick();
}

void DelayedMover::Stop() {
  started_ = false;
  wake_timer_->Disarm();
  round_timer_->Disarm();
}

void DelayedMover::Recheck() {
  if (started_) Look();
}

void DelayedMover::NoteDelayed(const std::string& stream, absl::Time due, absl::Time store_time,
                               uint64_t waiting) {
  NoteWaiting(stream, waiting);
  WakeAt(context_->loop->MonotonicNow() + std::max(due - store_time, absl::ZeroDuration()));
}

void DelayedMover::WakeAt(absl::Duration when) {
  if (!started_ || when >= wake_at_) return;
  wake_at_ = when;
  wake_timer_->Arm(std::max(when - context_->loop->MonotonicNow(), absl::ZeroDuration()));
}

// ---- What is due ----

void DelayedMover::Look() {
  if (!started_) return;
  WakeAt(context_->loop->MonotonicNow() + context_->options->sweep_interval);
  if (!context_->store_up) return;
  if (looking_) {
    look_again_ = true;
    return;
  }
  looking_ = true;
  context_->store->ListDue(kMostStreams,
                           lifetime_.Guard([this](const absl::StatusOr<ListDueResult>& due) {
                             looking_ = false;
                             OnDue(due);
                             if (std::exchange(look_again_, false)) Look();
                           }));
}

void DelayedMover::OnDue(const absl::StatusOr<ListDueResult>& due) {
  if (!started_) return;
  const absl::Duration now = context_->loop->MonotonicNow();
  if (!due.ok()) return WakeAt(now + kRetryDelay);
  for (const DueStream& stream : due->streams) {
    if (stream.due > due->store_time) {
      return WakeAt(now + (stream.due - due->store_time) + kOthersFirst);
    }
    Move(stream.stream);
  }
  if (due->streams.size() >= kMostStreams) WakeAt(now + kOthersFirst);
}

void DelayedMover::Move(const std::string& stream) {
  if (!moving_.insert(stream).second) return;
  MoveDueRequest request;
  request.stream = stream;
  request.max_events_per_entry = policies_->For(stream).max_events_per_entry;
  request.max_entry_bytes = context_->options->max_entry_bytes;
  context_->store->MoveDue(
      std::move(request),
      lifetime_.Guard(
          [this, stream](const absl::StatusOr<MoveDueResult>& moved) { OnMoved(stream, moved); }));
}

void DelayedMover::OnMoved(const std::string& stream, const absl::StatusOr<MoveDueResult>& moved) {
  if (moved.status().code() == absl::StatusCode::kNotFound) {
    // Somebody deleted the stream.
    return bear_(stream, lifetime_.Guard([this, stream](const absl::Status& status) {
      if (!status.ok()) {
        context_->events->OnTrouble(
            absl::StrCat("delayed events of type ", stream, " cannot be moved"), status);
      }
      EndMove(stream, !status.ok());
    }));
  }
  if (!moved.ok()) {
    // Perhaps it was done.
    on_advanced_(stream);
    return EndMove(stream, true);
  }
  NoteWaiting(stream, moved->waiting);
  if (moved->events > 0) {
    context_->events->OnDelayedMoved(moved->events);
    on_advanced_(stream);
  }
  const absl::Duration now = context_->loop->MonotonicNow();
  if (moved->next_due.has_value() && *moved->next_due > moved->store_time) {
    WakeAt(now + (*moved->next_due - moved->store_time));
  }
  if (!moved->next_due.has_value() || *moved->next_due > moved->store_time) {
    moving_.erase(stream);
    return;
  }
  EndMove(stream, false);
}

void DelayedMover::EndMove(const std::string& stream, bool failed) {
  moving_.erase(stream);
  if (!started_) return;
  if (failed) return WakeAt(context_->loop->MonotonicNow() + kRetryDelay);
  Move(stream);
}

// ---- The slow round ----

void DelayedMover::RoundTick() {
  if (!started_) return;
  round_timer_->Arm(kRoundTick);
  if (!context_->store_up) return;
  const absl::Duration now = context_->loop->MonotonicNow();
  if (round_.empty() && now >= next_round_) {
    next_round_ = now + kRound;
    for (const auto& [stream, type] : registry_->types()) round_.push_back(stream);
    per_tick_ =
        std::min(round_.size() / static_cast<size_t>(kRound / kRoundTick) + 1, kMostPerTick);
  }
  for (size_t i = 0; i < per_tick_ && !round_.empty(); ++i) {
    const std::string stream = std::move(round_.front());
    round_.pop_front();
    context_->store->GetDelayedInfo(
        stream, lifetime_.Guard([this, stream](const absl::StatusOr<DelayedInfo>& info) {
          if (info.ok()) NoteWaiting(stream, info->waiting);
        }));
  }
}

void DelayedMover::NoteWaiting(const std::string& stream, uint64_t waiting) {
  const auto known = waiting_.find(stream);
  if (known != waiting_.end()) total_waiting_ -= known->second;
  total_waiting_ += waiting;
  if (waiting > 0) {
    waiting_[stream] = waiting;
  } else if (known != waiting_.end()) {
    waiting_.erase(known);
  }
}

}  // namespace eventbus
