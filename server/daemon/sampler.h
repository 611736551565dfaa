#ifndef EVENTBUS_SERVER_DAEMON_SAMPLER_H_
#define EVENTBUS_SERVER_DAEMON_SAMPLER_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/observe/metrics.h"

namespace eventbus {

// Reads the levels that nobody counts as they change (how many streams, how full the store is) once
// a second, and measures by its own timer how late the loop is, and how long that turn of it
// takes from there on. Loop thread only.
class Sampler {
 public:
  // `sample` sets gauges. Neither pointer is owned.
  Sampler(Loop* loop, Metrics* metrics, absl::AnyInvocable<void()> sample);

 private:
  void Arm();
  void Fire();

  Loop* const loop_;
  Metrics* const metrics_;
  absl::AnyInvocable<void()> sample_;
  std::unique_ptr<Timer> timer_;
  absl::Duration due_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_DAEMON_SAMPLER_H_
