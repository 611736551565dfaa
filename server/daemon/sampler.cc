#include "server/daemon/sampler.h"

#include <utility>

namespace eventbus {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

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
  sample_();
  Arm();
}

}  // namespace eventbus
