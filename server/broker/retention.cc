#include "server/broker/retention.h"

#include <algorithm>

namespace eventbus {
namespace {

constexpr int kTicksPerRound = 20;
// A stream may have been deleted and born again, or the store's clock been set.
constexpr absl::Duration kLongestPause = absl::Minutes(10);

}  // namespace

Retention::Retention(const Context* context, const Registry* registry,
                     const StreamPolicies* policies, StreamRoom* room)
    : context_(context),
      registry_(registry),
      policies_(policies),
      room_(room),
      timer_(context->loop->CreateTimer([this] { Tick(); })) {}

void Retention::Start() { timer_->Arm(context_->options->retention_interval / kTicksPerRound); }

void Retention::Tick() {
  Start();
  if (!context_->store_up) return;
  if (ticks_left_ > 0) --ticks_left_;
  if (round_.empty() && ticks_left_ == 0) {
    ticks_left_ = kTicksPerRound;
    const absl::Duration now = context_->loop->MonotonicNow();
    for (const auto& [stream, type] : registry_->types()) {
      const auto next = next_look_.find(stream);
      if (next == next_look_.end() || next->second <= now) round_.push_back(stream);
    }
    per_tick_ = round_.size() / kTicksPerRound + 1;
  }
  for (size_t i = 0; i < per_tick_ && !round_.empty(); ++i) {
    Sweep(round_.front());
    round_.pop_front();
  }
}

void Retention::Sweep(const std::string& stream) {
  context_->store->GetStreamInfo(
      stream, lifetime_.Guard([this, stream](const absl::StatusOr<StreamInfo>& info) {
        if (info.ok()) return OnInfo(stream, *info);
        next_look_.erase(stream);
      }));
}

void Retention::OnInfo(const std::string& stream, const StreamInfo& info) {
  const StreamPolicy policy = policies_->For(stream);
  const bool refuses = policy.when_full == WhenStreamFull::kRefuse;
  if (refuses) room_->Saw(stream, info);
  NoteNextLook(stream, policy, info);
  if (info.entries == 0) return;
  if (policy.discard == Discard::kSettled) DropSettled(stream);
  TrimRequest request;
  request.stream = stream;
  const char* why = nullptr;
  if (policy.ttl != absl::InfiniteDuration()) {
    const int64_t oldest_ms = absl::ToUnixMillis(info.store_time - policy.ttl);
    const EntryId oldest = {static_cast<uint64_t>(std::max<int64_t>(oldest_ms, 0)), 0};
    if (info.first < oldest) {
      request.min_id = oldest;
      why = "ttl";
    }
  }
  if (!refuses && policy.max_events > 0 && info.events > policy.max_events) {
    request.max_events = policy.max_events;
    why = "max_events";
  }
  if (!refuses && policy.max_bytes > 0 && info.bytes > policy.max_bytes) {
    request.max_bytes = policy.max_bytes;
    why = "max_bytes";
  }
  if (why != nullptr) Trim(std::move(request), why);
}

void Retention::NoteNextLook(const std::string& stream, const StreamPolicy& policy,
                             const StreamInfo& info) {
  if (policy.max_events > 0 || policy.max_bytes > 0 || policy.discard == Discard::kSettled) return;
  // What is appended from now on has its whole time before it.
  absl::Duration left = policy.ttl;
  if (info.entries > 0) {
    left = absl::FromUnixMillis(static_cast<int64_t>(info.first.ms)) + policy.ttl - info.store_time;
  }
  next_look_[stream] = context_->loop->MonotonicNow() + std::min(left, kLongestPause);
}

void Retention::DropSettled(const std::string& stream) {
  TrimRequest request;
  request.stream = stream;
  for (const auto& [name, group] : registry_->groups()) {
    if (group.patterns.Matches(stream)) request.settled_by.push_back(group.KeyOn(stream));
  }
  if (!request.settled_by.empty()) Trim(std::move(request), "settled");
}

void Retention::Trim(TrimRequest request, const char* why) {
  const std::string stream = request.stream;
  context_->store->Trim(
      std::move(request),
      lifetime_.Guard([this, stream, why](const absl::StatusOr<TrimResult>& result) {
        if (result.ok() && result->entries > 0) context_->events->OnDropped(stream, why, *result);
      }));
}

}  // namespace eventbus
