#include "server/loop/uv_timer.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace eventbus {
namespace {

// Longer than any process runs; libuv's clock must not overflow.
constexpr absl::Duration kMaxDelay = absl::Hours(24 * 365 * 100);

}  // namespace

// Freed by libuv's close callback, so that a callback may destroy the timer it belongs to.
struct UvTimer::Handle {
  uv_timer_t timer;
  const Loop* clock;
  absl::AnyInvocable<void()> on_fire;
  absl::Duration due;
};

UvTimer::UvTimer(uv_loop_t* uv, const Loop& clock, absl::AnyInvocable<void()> on_fire)
    : handle_(new Handle{{}, &clock, std::move(on_fire), absl::ZeroDuration()}) {
  uv_timer_init(uv, &handle_->timer);
  handle_->timer.data = handle_;
}

UvTimer::~UvTimer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void UvTimer::Arm(absl::Duration delay) {
  delay = std::clamp(delay, absl::ZeroDuration(), kMaxDelay);
  handle_->due = handle_->clock->MonotonicNow() + delay;
  Start(handle_, delay);
}

void UvTimer::Start(Handle* handle, absl::Duration delay) {
  // libuv counts from its idea of now, which is as old as the turn.
  uv_update_time(handle->timer.loop);
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(delay, absl::Milliseconds(1)));
  uv_timer_start(&handle->timer, &UvTimer::OnFire, static_cast<uint64_t>(ms), 0);
}

void UvTimer::Disarm() { uv_timer_stop(&handle_->timer); }

bool UvTimer::armed() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->timer)) != 0;
}

void UvTimer::OnFire(uv_timer_t* timer) {
  auto* handle = static_cast<Handle*>(timer->data);
  // Rounded to milliseconds, both the start and now may be off by almost one.
  const absl::Duration left = handle->due - handle->clock->MonotonicNow();
  if (left > absl::ZeroDuration()) {
    Start(handle, left);
    return;
  }
  handle->on_fire();
}

}  // namespace eventbus
