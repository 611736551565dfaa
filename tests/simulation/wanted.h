#ifndef EVENTBUS_TESTS_SIMULATION_WANTED_H_
#define EVENTBUS_TESTS_SIMULATION_WANTED_H_

#include "server/broker/attribute_filter.h"
#include "tests/simulation/history.h"

namespace eventbus::simulation {

namespace rules {
// Nobody gets what its filter does not want.
inline constexpr char kFilters[] = "filters";
}  // namespace rules

// Whether the filter wants the event; by what was sent, and not by the broker's own filter.
bool Wants(const AttributeFilter& filter, const SentEvent& event);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_WANTED_H_
