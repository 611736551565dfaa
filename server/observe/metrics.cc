#include "server/observe/metrics.h"

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace eventbus {
namespace {

// Doubling from `first`, `count` bounds.
std::vector<absl::Duration> Doubling(absl::Duration first, int count) {
  std::vector<absl::Duration> bounds;
  for (int i = 0; i < count; ++i, first *= 2) bounds.push_back(first);
  return bounds;
}

}  // namespace

void RpcMetrics::Finished(int code) {
  constexpr std::size_t kUnknown = 2;
  const bool known = code >= 0 && static_cast<std::size_t>(code) < kCodes;
  finished_[known ? static_cast<std::size_t>(code) : kUnknown].Increment();
}

// 64 us to 2.1 s covers a loopback round trip and a store in trouble; a turn of the loop is
// shorter than a request.
Metrics::Metrics()
    : publish_latency(Doubling(absl::Microseconds(64), 16)),
      loop_turn(Doubling(absl::Microseconds(16), 16)),
      loop_lag(Doubling(absl::Microseconds(16), 16)) {}

RpcMetrics& Metrics::Rpc(absl::string_view method) {
  const std::lock_guard<std::mutex> lock(rpc_mutex_);
  return rpc_[std::string(method)];  // Nodes of a map never move.
}

}  // namespace eventbus
