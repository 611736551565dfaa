#ifndef EVENTBUS_TESTS_BENCH_LOAD_LATENCIES_H_
#define EVENTBUS_TESTS_BENCH_LOAD_LATENCIES_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace eventbus::bench {

// All of the latencies of a run, so percentiles are exact.
class Latencies {
 public:
  void Add(absl::Duration latency) { nanoseconds_.push_back(absl::ToInt64Nanoseconds(latency)); }
  size_t size() const { return nanoseconds_.size(); }
  void clear() { nanoseconds_.clear(); }

  // In microseconds.
  nlohmann::ordered_json Report() {
    std::sort(nanoseconds_.begin(), nanoseconds_.end());
    return {{"count", nanoseconds_.size()}, {"p50_us", Percentile(0.5)},
            {"p90_us", Percentile(0.9)},    {"p99_us", Percentile(0.99)},
            {"p999_us", Percentile(0.999)}, {"max_us", Percentile(1)}};
  }

 private:
  // Of sorted ones.
  double Percentile(double share) const {
    if (nanoseconds_.empty()) return 0;
    const double rank = std::ceil(share * static_cast<double>(nanoseconds_.size()));
    const size_t index = static_cast<size_t>(std::max(rank, 1.0)) - 1;
    return static_cast<double>(nanoseconds_[std::min(index, nanoseconds_.size() - 1)]) / 1000;
  }

  std::vector<int64_t> nanoseconds_;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_LATENCIES_H_
