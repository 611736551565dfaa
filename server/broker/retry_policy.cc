#include "server/broker/retry_policy.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace eventbus {

absl::Duration RetryDelay(const GroupPolicy& policy, uint32_t failed_attempts, double random) {
  const uint32_t retry = std::max<uint32_t>(failed_attempts, 1);
  if (!policy.retry_delays.empty()) {
    return policy.retry_delays[std::min<size_t>(retry, policy.retry_delays.size()) - 1];
  }
  const double longest = absl::ToDoubleSeconds(policy.max_retry_delay);
  const double grown = absl::ToDoubleSeconds(policy.retry_delay) *
                       std::pow(policy.retry_multiplier, static_cast<double>(retry - 1));
  // Also where the power has left what a double can hold.
  const double seconds = grown < longest ? grown : longest;
  return absl::Seconds(seconds * (1 + policy.retry_jitter * (2 * random - 1)));
}

}  // namespace eventbus
