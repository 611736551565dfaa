#ifndef EVENTBUS_TESTS_BENCH_LOAD_OPENING_H_
#define EVENTBUS_TESTS_BENCH_LOAD_OPENING_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "eventbus/v1/broker.pb.h"

// How the load subscribes.
namespace eventbus::bench {

// As many as the broker allows by default: the number of events bounds, not their bytes.
inline constexpr uint64_t kMaxInFlightBytes = uint64_t{256} << 20;

// A nacked event comes again after this long.
inline constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

inline v1::SubscribeOpen OpenGroup(const std::string& name, const std::string& pattern,
                                   uint32_t max_in_flight) {
  v1::SubscribeOpen open;
  v1::GroupSubscription& group = *open.mutable_group();
  group.set_name(name);
  group.add_patterns(pattern);
  group.mutable_policy()->mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(kRetryDelay)));
  open.mutable_flow()->set_max_in_flight(max_in_flight);
  open.mutable_flow()->set_max_in_flight_bytes(kMaxInFlightBytes);
  return open;
}

inline v1::SubscribeOpen OpenTail(const std::string& pattern, uint32_t max_in_flight) {
  v1::SubscribeOpen open;
  open.mutable_tail()->add_patterns(pattern);
  open.mutable_flow()->set_max_in_flight(max_in_flight);
  open.mutable_flow()->set_max_in_flight_bytes(kMaxInFlightBytes);
  return open;
}

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_OPENING_H_
