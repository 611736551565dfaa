#ifndef EVENTBUS_SERVER_BROKER_EVENT_RATE_H_
#define EVENTBUS_SERVER_BROKER_EVENT_RATE_H_

#include <cmath>
#include <cstdint>

#include "absl/time/time.h"

namespace eventbus {

// How many events a second there were lately: a count that decays exponentially. Value type.
class EventRate {
 public:
  // Times must not go back.
  void Add(uint64_t events, absl::Duration now) {
    Decay(now);
    count_ += static_cast<double>(events);
  }

  double PerSecond(absl::Duration now) {
    Decay(now);
    return count_ / kMemorySeconds;
  }

 private:
  static constexpr double kMemorySeconds = 0.5;

  void Decay(absl::Duration now) {
    if (now == last_) return;
    // Nanoseconds, since dividing durations takes longer than all the rest.
    const double seconds = static_cast<double>(absl::ToInt64Nanoseconds(now - last_)) * 1e-9;
    if (count_ > 0) count_ *= std::exp(-seconds / kMemorySeconds);
    last_ = now;
  }

  double count_ = 0;
  absl::Duration last_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_RATE_H_
