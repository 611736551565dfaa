#include "tests/bench/load/cpu_meter.h"

#include <unistd.h>

#include <ctime>

namespace eventbus::bench {
namespace {

// User and system time of all threads so far; 0 if there is no such process.
double CpuSeconds(pid_t process) {
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

CpuMeter::CpuMeter(const std::map<std::string, pid_t>& processes) : processes_(processes) {
  processes_["client"] = getpid();
}

void CpuMeter::Start() {
  for (const auto& [name, process] : processes_) before_[name] = CpuSeconds(process);
}

void CpuMeter::Report(double events, nlohmann::ordered_json* figures) const {
  for (const auto& [name, process] : processes_) {
    const double spent = CpuSeconds(process) - before_.at(name);
    (*figures)[name + "_cpu_seconds"] = spent;
    (*figures)[name + "_cpu_seconds_per_million"] = spent * 1e6 / events;
  }
}

}  // namespace eventbus::bench
