#include "server/observe/instruments.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace eventbus {
namespace {

std::vector<std::int64_t> Nanoseconds(const std::vector<absl::Duration>& durations) {
  std::vector<std::int64_t> nanoseconds;
  nanoseconds.reserve(durations.size());
  for (const absl::Duration duration : durations) {
    nanoseconds.push_back(absl::ToInt64Nanoseconds(duration));
  }
  return nanoseconds;
}

}  // namespace

Histogram::Histogram(const std::vector<absl::Duration>& bounds)
    : bounds_ns_(Nanoseconds(bounds)), buckets_(bounds.size() + 1) {}

void Histogram::Observe(absl::Duration duration, std::uint64_t times) {
  const std::int64_t ns = std::max<std::int64_t>(0, absl::ToInt64Nanoseconds(duration));
  const auto bound = std::lower_bound(bounds_ns_.begin(), bounds_ns_.end(), ns);
  const auto index = static_cast<std::size_t>(bound - bounds_ns_.begin());
  buckets_[index].fetch_add(times, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<std::uint64_t>(ns) * times, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::Read() const {
  Snapshot snapshot;
  for (const std::int64_t bound : bounds_ns_) {
    snapshot.bounds_seconds.push_back(static_cast<double>(bound) / 1e9);
  }
  std::uint64_t total = 0;
  for (const std::atomic<std::uint64_t>& bucket : buckets_) {
    total += bucket.load(std::memory_order_relaxed);
    snapshot.cumulative.push_back(total);
  }
  snapshot.sum_seconds = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
  return snapshot;
}

}  // namespace eventbus
