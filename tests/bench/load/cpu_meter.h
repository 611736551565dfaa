#ifndef EVENTBUS_TESTS_BENCH_LOAD_CPU_METER_H_
#define EVENTBUS_TESTS_BENCH_LOAD_CPU_METER_H_

#include <sys/types.h>

#include <map>
#include <string>

#include "nlohmann/json.hpp"

namespace eventbus::bench {

// The CPU time that processes spend while something is measured: starting them, and warming up, is
// not what an event costs.
class CpuMeter {
 public:
  // Names and process ids; this process is added as "client".
  explicit CpuMeter(const std::map<std::string, pid_t>& processes);

  void Start();
  // Adds `<name>_cpu_seconds` since Start, and as much for a million of these events.
  void Report(double events, nlohmann::ordered_json* figures) const;

 private:
  std::map<std::string, pid_t> processes_;
  std::map<std::string, double> before_;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_CPU_METER_H_
