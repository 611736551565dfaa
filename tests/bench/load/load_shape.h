#ifndef EVENTBUS_TESTS_BENCH_LOAD_LOAD_SHAPE_H_
#define EVENTBUS_TESTS_BENCH_LOAD_LOAD_SHAPE_H_

#include <cstddef>

#include "tests/bench/load/sample_event.h"

namespace eventbus::bench {

// What is published.
struct LoadShape {
  EventShape event;
  // In one message; all of one type.
  size_t events_per_message = 100;
  // The messages go to these types in turn.
  size_t types = 1;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_LOAD_SHAPE_H_
