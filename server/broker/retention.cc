#include "server/broker/retention.h"

#include <algorithm>

namespace eventbus {
namespace {

constexpr int kTicksPerRound = 20;

}  // namespace

Retention::Retention(const Context* context, const Registry* registry,
                     const StreamPolicies* policies)
    : context_(context),
      registry_(registry),
      policies_(policies),
      timer_(context->loop->CreateTimer([this] { Tick(); })) {}

void Retention::Start() { timer_->Arm(context_->options->retention_interval / kTicksPerRound); }

void Retention::Tick() {
  Start();
  if (!context_->store_up) return;
  if (round_.empty()) {
    for (const auto& [stream, type] : registry_->types()) round_.push_back(stream);
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
        if (info.ok()) OnInfo(stream, *info);
      }));
}

void Retention::OnInfo(const std::string& stream, const StreamInfo& info) {
  if (info.entries == 0) return;
  const StreamPolicy policy = policies_->For(stream);
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
  if (policy.max_events > 0 && info.events > policy.max_events) {
    request.max_events = policy.max_events;
    why = "max_events";
  }
  if (policy.max_bytes > 0 && info.bytes > policy.max_bytes) {
    request.max_bytes = policy.max_bytes;
    why = "max_bytes";
  }
  if (why == nullptr) return;
  context_->store->Trim(
      request, lifetime_.Guard([this, stream, why](const absl::StatusOr<TrimResult>& result) {
        if (result.ok() && result->entries > 0) context_->events->OnDropped(stream, why, *result);
      }));
}

}  // namespace eventbus
