// What the kernel knows of this process.
#ifndef EVENTBUS_SERVER_OBSERVE_PROCESS_STATS_H_
#define EVENTBUS_SERVER_OBSERVE_PROCESS_STATS_H_

namespace eventbus {

// Zero where /proc could not be read.
struct ProcessStats {
  double cpu_seconds = 0;  // User and system time of all threads.
  double resident_memory_bytes = 0;
  double virtual_memory_bytes = 0;
  double open_fds = 0;
  double max_fds = 0;
  double start_time_seconds = 0;  // Since the Unix epoch.
  double threads = 0;
};

ProcessStats ReadProcessStats();

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_PROCESS_STATS_H_
