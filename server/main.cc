// eventbusd: from flags and configuration to a running daemon.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "server/config/command_line.h"
#include "server/daemon/run.h"

int main(int argc, char** argv) {
  // Debian builds Abseil so that it looks for deadlocks at every lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const eventbus::Invocation invocation = eventbus::ReadCommandLine(
      arguments, eventbus::ProcessEnvironment(), eventbus::CommandLineOptionsOfDaemon());
  std::fputs(invocation.out.c_str(), stdout);
  std::fputs(invocation.err.c_str(), stderr);
  return invocation.run ? eventbus::RunDaemon(invocation.config) : invocation.exit_code;
}
