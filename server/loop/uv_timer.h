#ifndef EVENTBUS_SERVER_LOOP_UV_TIMER_H_
#define EVENTBUS_SERVER_LOOP_UV_TIMER_H_

#include <uv.h>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"

namespace eventbus {

// A timer on libuv, which counts in whole milliseconds: it fires at the first of them that is not
// before its time. The handle outlives the timer by the turn that libuv takes to close it. Loop
// thread only.
class UvTimer final : public Timer {
 public:
  UvTimer(uv_loop_t* uv, const Loop& clock, absl::AnyInvocable<void()> on_fire);
  ~UvTimer() override;
  UvTimer(const UvTimer&) = delete;
  UvTimer& operator=(const UvTimer&) = delete;

  void Arm(absl::Duration delay) override;
  void Disarm() override;
  bool armed() const override;

 private:
  struct Handle;

  static void OnFire(uv_timer_t* timer);
  static void Start(Handle* handle, absl::Duration delay);

  Handle* const handle_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_LOOP_UV_TIMER_H_
