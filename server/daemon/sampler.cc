#include "server/daemon/sampler.h"

#include <chrono>
#include <utility>

namespace eventbus {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

// The loop's own time may stand still during a turn.
absl::Duration SteadyNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

Sampler::Sampler(Loop* loop, Metrics* metrics, absl::AnyInvocable<void()> sample)
    : loop_(loop),
      metrics_(metrics),
      sample_(std::move(sample)),
      timer_(loop->CreateTimer([this] { Fire(); })) {
  sample_();
  Arm();
}

void Sampler::Arm() {
  due_ = loop_->MonotonicNow() + kInterval;
  timer_->Arm(kInterval);
}

void Sampler::Fire() {
  metrics_->loop_lag.Observe(loop_->MonotonicNow() - due_);
  loop_->Defer([metrics = metrics_, begin = SteadyNow()] {
    metrics->loop_turn.Observe(SteadyNow() - begin);
  });
  sample_();
  Arm();
}

}  // namespace eventbus
