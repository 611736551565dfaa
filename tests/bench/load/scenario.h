#ifndef EVENTBUS_TESTS_BENCH_LOAD_SCENARIO_H_
#define EVENTBUS_TESTS_BENCH_LOAD_SCENARIO_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tests/bench/load/load_shape.h"
#include "tests/bench/load/settle_plan.h"

namespace eventbus::bench {

// What a scenario found out.
using Figures = nlohmann::ordered_json;

struct LoadOptions {
  std::string address;
  // Generated stubs in place of prebuilt bytes, where a scenario has both.
  bool typed = false;
  LoadShape shape;
  absl::Duration warm_up = absl::Milliseconds(500);
  absl::Duration duration = absl::Seconds(3);
  // A run that takes longer has failed.
  absl::Duration limit = absl::Seconds(120);

  SettleKind settle = SettleKind::kInOrder;
  uint32_t max_in_flight = 10'000;
  // Calls at once.
  size_t in_flight = 64;
  // Events, where a scenario is not as long as `duration`.
  uint64_t events = 1'000'000;
  // Events a second.
  uint64_t rate = 1'000;
  size_t subscribers = 1;
  size_t subscribers_per_connection = 100;
  // Groups beside the one that is measured.
  size_t other_groups = 0;
  // Whose CPU time is told, by name.
  std::map<std::string, pid_t> watched;
};

// PublishStream alone.
absl::StatusOr<Figures> RunPublishStream(const LoadOptions& options);
// PublishStream to a group that settles.
absl::StatusOr<Figures> RunFlow(const LoadOptions& options);
// The same with so many events, whatever time they take.
absl::StatusOr<Figures> RunFlowOfCount(const LoadOptions& options);
// `events` published beforehand, then a group that begins at the first of them.
absl::StatusOr<Figures> RunDrain(const LoadOptions& options);
// `in_flight` calls at once of Publish (one event), or of PublishBatch: a batch has
// `events_per_message` events of `types` types. Of an echo server too.
absl::StatusOr<Figures> RunUnary(const LoadOptions& options);
absl::StatusOr<Figures> RunBatch(const LoadOptions& options);
// One event at a time: from its Publish to its delivery to a group.
absl::StatusOr<Figures> RunOneDelivered(const LoadOptions& options);
// `rate` events a second, whatever the broker does: from when each should be sent to its delivery.
absl::StatusOr<Figures> RunLatency(const LoadOptions& options);
// `events` published, to `subscribers` tails.
absl::StatusOr<Figures> RunFanOut(const LoadOptions& options);
// Holds `subscribers` idle subscribers until standard input ends.
absl::StatusOr<Figures> RunIdle(const LoadOptions& options);

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_SCENARIO_H_
