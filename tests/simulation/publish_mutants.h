#ifndef EVENTBUS_TESTS_SIMULATION_PUBLISH_MUTANTS_H_
#define EVENTBUS_TESTS_SIMULATION_PUBLISH_MUTANTS_H_

#include <cstdint>
#include <memory>

#include "server/store/stream_store.h"
#include "tests/simulation/mutant_store.h"

namespace eventbus::simulation {

// Stores with a bug in what publishers ask for: kForgetKeys, kEarlyDelivery, kHalfBatch.
std::unique_ptr<StreamStore> MakePublishMutant(Mutation mutation, StreamStore* inner,
                                               uint64_t seed);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_PUBLISH_MUTANTS_H_
