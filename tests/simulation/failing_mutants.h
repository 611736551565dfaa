#ifndef EVENTBUS_TESTS_SIMULATION_FAILING_MUTANTS_H_
#define EVENTBUS_TESTS_SIMULATION_FAILING_MUTANTS_H_

#include <memory>

#include "tests/simulation/mutant_store.h"

namespace eventbus::simulation {

// The mutants that do wrong what has to do with events that fail. Null for the others.
std::unique_ptr<StreamStore> MakeFailingMutant(Mutation mutation, StreamStore* inner,
                                               uint64_t seed);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_FAILING_MUTANTS_H_
