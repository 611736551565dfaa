#ifndef EVENTBUS_TESTS_SIMULATION_CLOCK_ERROR_H_
#define EVENTBUS_TESTS_SIMULATION_CLOCK_ERROR_H_

#include "absl/time/time.h"

namespace eventbus::simulation {

// How much the times that two instances tell each other may be wrong: the store's answers, by which
// they set their clocks, may be late.
inline constexpr absl::Duration kClockError = absl::Milliseconds(1200);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_CLOCK_ERROR_H_
