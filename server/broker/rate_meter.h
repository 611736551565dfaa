#ifndef EVENTBUS_SERVER_BROKER_RATE_METER_H_
#define EVENTBUS_SERVER_BROKER_RATE_METER_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/time/time.h"

namespace eventbus {

// RateMeter counts events and tells how many there were per time lately: over a window that slides
// in thirty steps. Times are of one monotonic clock. Value type.
//
//   RateMeter delivered(absl::Minutes(1), loop->MonotonicNow());
//   delivered.Add(loop->MonotonicNow(), 100);
//   delivered.PerSecond(loop->MonotonicNow());
class RateMeter {
 public:
  RateMeter(absl::Duration window, absl::Duration now) : step_(window / kSteps), began_(now) {
    current_ = StepAt(now);
  }

  void Add(absl::Duration now, uint64_t events) {
    MoveTo(now);
    counts_[static_cast<size_t>(current_) % kSteps] += events;
  }

  // Over the window, or since the meter began if that is shorter (but at least a second).
  double PerSecond(absl::Duration now) const {
    RateMeter moved = *this;
    moved.MoveTo(now);
    uint64_t sum = 0;
    for (const uint64_t count : moved.counts_) sum += count;
    const absl::Duration age = std::max(now - began_, absl::Seconds(1));
    return static_cast<double>(sum) / absl::ToDoubleSeconds(std::min(age, step_ * kSteps));
  }

 private:
  static constexpr int64_t kSteps = 30;

  int64_t StepAt(absl::Duration now) const {
    absl::Duration rest;
    return absl::IDivDuration(now, step_, &rest);
  }
  // Steps that are over a window ago are forgotten.
  void MoveTo(absl::Duration now) {
    const int64_t step = StepAt(now);
    if (step - current_ >= kSteps) counts_.fill(0);
    for (; current_ < step; ++current_) {
      if (step - current_ <= kSteps) counts_[static_cast<size_t>(current_ + 1) % kSteps] = 0;
    }
  }

  absl::Duration step_;
  absl::Duration began_;
  int64_t current_ = 0;
  std::array<uint64_t, kSteps> counts_{};
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RATE_METER_H_
