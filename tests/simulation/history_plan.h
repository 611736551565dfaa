#ifndef EVENTBUS_TESTS_SIMULATION_HISTORY_PLAN_H_
#define EVENTBUS_TESTS_SIMULATION_HISTORY_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/broker/broker_options.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/connection.h"
#include "tests/simulation/operator_client.h"
#include "tests/simulation/publisher_client.h"
#include "tests/simulation/subscriber_client.h"
#include "tests/support/faulty_store.h"

namespace eventbus::simulation {

// What kind of history it is: who takes part, how they behave, and what fate may do. Drawn as a
// whole, so that some are calm in one respect and wild in another.
struct HistoryPlan {
  absl::Duration length;
  size_t instances = 2;
  BrokerOptions broker;
  absl::Duration max_store_latency;
  std::vector<PublisherPlan> publishers;
  // Members of a group follow each other.
  std::vector<SubscriberPlan> subscribers;
  std::vector<OperatorPlan> operators;
  // How likely each is when fate strikes, relative to each other.
  uint64_t kill = 0;
  uint64_t freeze = 0;
  uint64_t drain = 0;
  uint64_t cut = 0;
  uint64_t store_outage = 0;
  uint64_t clock_jump = 0;
  absl::Duration max_pause;
  FaultRates store_faults;
  // Of what is written when events fail, which is little beside all else.
  FaultRates settle_faults;
  Connection::Latency latency;
};

HistoryPlan DrawPlan(uint64_t seed, Chance* chance);
// What publishers publish.
const std::vector<std::string>& AllTypes();

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_HISTORY_PLAN_H_
