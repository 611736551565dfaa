#ifndef EVENTBUS_TESTS_SIMULATION_SIMULATION_H_
#define EVENTBUS_TESTS_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history.h"
#include "tests/simulation/mutant_store.h"

namespace eventbus::simulation {

struct SimulationOptions {
  // Decides everything.
  uint64_t seed = 1;
  // A bug to plant.
  Mutation mutation = Mutation::kNone;
};

struct SimulationResult {
  History history;
  CheckReport report;
  // How long the world ran.
  absl::Duration virtual_time;
  uint64_t faults = 0;

  bool ok() const { return report.violations.empty(); }
  // For people: the seed, what is violated, and the last `lines` lines of the event log before the
  // first violation.
  std::string Describe(const SimulationOptions& options, size_t lines) const;
};

// The bus comes to rest when the faults end: nothing is in flight, waits for the store, or is
// pending there.
inline constexpr char kQuiescence[] = "quiescence";

// Lives through one history: several instances on one store, clients, and a fate that kills,
// freezes, drains, cuts and delays; then peace, until the bus is at rest. Then the history is
// checked. Takes some milliseconds.
SimulationResult Simulate(const SimulationOptions& options);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_SIMULATION_H_
