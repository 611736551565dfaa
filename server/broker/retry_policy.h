#ifndef EVENTBUS_SERVER_BROKER_RETRY_POLICY_H_
#define EVENTBUS_SERVER_BROKER_RETRY_POLICY_H_

#include <cstdint>

#include "absl/time/time.h"
#include "server/broker/group_definition.h"

namespace eventbus {

// Whether an event that has failed so often is tried no more.
inline bool AttemptsUsedUp(const GroupPolicy& policy, uint32_t failed_attempts) {
  return failed_attempts > policy.max_retries;
}

// How long to wait before the next attempt of an event that has failed `failed_attempts` (at least
// 1) times. `random` in [0, 1) decides the jitter. Pure.
//
// With `retry_delays`, the n-th of them, and the last one for all further retries; otherwise
// retry_delay × retry_multiplier^(n - 1), at most max_retry_delay, made shorter or longer by up to
// the share `retry_jitter`.
absl::Duration RetryDelay(const GroupPolicy& policy, uint32_t failed_attempts, double random);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RETRY_POLICY_H_
