// Counter, Gauge, Histogram: the three kinds of number the daemon measures. Plain relaxed atomics,
// cheap enough for the hot path; they are read when Prometheus scrapes and never reset.
#ifndef EVENTBUS_SERVER_OBSERVE_INSTRUMENTS_H_
#define EVENTBUS_SERVER_OBSERVE_INSTRUMENTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace eventbus {

// Only ever grows. Any thread.
class Counter {
 public:
  void Increment(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// A level that goes up and down. Any thread.
class Gauge {
 public:
  void Set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(std::int64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  void Subtract(std::int64_t by = 1) { value_.fetch_sub(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Durations, counted in buckets. Any thread. A scrape that runs beside an Observe may miss it in
// one of count, sum and bucket; the next scrape has it.
class Histogram {
 public:
  // `bounds`: the buckets' inclusive upper bounds, rising. What is above the last is counted too.
  explicit Histogram(const std::vector<absl::Duration>& bounds);

  // Negative durations count as zero.
  void Observe(absl::Duration duration) { Observe(duration, 1); }
  // The same as `times` calls with one duration: for a batch whose events share their fate.
  void Observe(absl::Duration duration, std::uint64_t times);

  struct Snapshot {
    std::vector<double> bounds_seconds;
    std::vector<std::uint64_t> cumulative;  // One more than bounds: the last is the total.
    double sum_seconds = 0;
  };
  Snapshot Read() const;

 private:
  std::vector<std::int64_t> bounds_ns_;
  std::vector<std::atomic<std::uint64_t>> buckets_;
  std::atomic<std::uint64_t> sum_ns_{0};
};

// One instrument for each value of a label, the label's values being an enum that ends in kCount:
//
//   metrics.dropped_events[DropReason::kTtl].Increment(n);
template <typename Instrument, typename Label>
class PerLabel {
 public:
  static constexpr std::size_t kSize = static_cast<std::size_t>(Label::kCount);

  Instrument& operator[](Label label) { return instruments_[static_cast<std::size_t>(label)]; }
  const Instrument& operator[](Label label) const {
    return instruments_[static_cast<std::size_t>(label)];
  }

 private:
  std::array<Instrument, kSize> instruments_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_INSTRUMENTS_H_
