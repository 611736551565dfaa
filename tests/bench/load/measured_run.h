#ifndef EVENTBUS_TESTS_BENCH_LOAD_MEASURED_RUN_H_
#define EVENTBUS_TESTS_BENCH_LOAD_MEASURED_RUN_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "tests/bench/load/cpu_meter.h"

namespace eventbus::bench {

// What is measured, from its making on: how long it takes, and the CPU time of these processes.
class MeasuredRun {
 public:
  explicit MeasuredRun(const std::map<std::string, pid_t>& watched)
      : meter_(watched), begin_(absl::Now()) {
    meter_.Start();
  }
  absl::Time begin() const { return begin_; }
  nlohmann::ordered_json Report(uint64_t events) const {
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin_);
    nlohmann::ordered_json figures{{"events", events},
                                   {"seconds", seconds},
                                   {"events_per_second", static_cast<double>(events) / seconds}};
    meter_.Report(static_cast<double>(events), &figures);
    return figures;
  }

 private:
  CpuMeter meter_;
  const absl::Time begin_;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_MEASURED_RUN_H_
