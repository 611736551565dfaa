#include "server/daemon/run.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/broker/pattern.h"
#include "server/daemon/daemon.h"
#include "server/observe/build_info.h"
#include "server/observe/logging.h"

namespace eventbus {
namespace {

// Signals are taken by waiting for them, never by handlers: blocked here, in all threads that are
// started from now on.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int WaitForSignal(const sigset_t& signals) {
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  return signal_number;
}

// Ends the process when a further signal comes.
void ExitAtNextSignal(const sigset_t& signals) {
  std::thread([signals] {
    const int signal_number = WaitForSignal(signals);
    // What a shell shows for a process that a signal has ended.
    _exit(128 + signal_number);
  }).detach();
}

// "127.0.0.1:9463" with the port that was bound.
std::string WithPort(absl::string_view address, int port) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

void Greet(const Config& config, const Daemon& daemon) {
  const std::string address = WithPort(config.listen.address, daemon.port());
  std::string greeting = absl::StrCat("eventbusd listening on ", address, "\n");
  if (daemon.metrics_port() != 0) {
    absl::StrAppend(&greeting, "eventbusd metrics on http://",
                    WithPort(config.metrics.address, daemon.metrics_port()), "/metrics\n");
  }
  absl::StrAppend(&greeting, "try: eventbusctl --server ", address,
                  " sub '*' & eventbusctl --server ", address,
                  " pub order.created --data '{\"id\": 1}'\n");
  std::fputs(greeting.c_str(), stdout);
  std::fflush(stdout);
}

int ExitCodeOf(const absl::Status& status) {
  if (absl::IsUnavailable(status)) return kExitAddressTaken;
  if (absl::IsUnimplemented(status) || absl::IsInvalidArgument(status)) {
    return kExitBadConfiguration;
  }
  return kExitFailure;
}

}  // namespace

CommandLineOptions CommandLineOptionsOfDaemon() {
  const BuildInfo build = GetBuildInfo();
  CommandLineOptions options;
  options.version = absl::StrCat(build.version, " (", build.commit, ", ", build.compiler, ", ",
                                 build.build_type, ")");
  options.check_pattern = [](absl::string_view pattern) -> absl::Status {
    return Pattern::Parse(pattern).status();
  };
  return options;
}

int RunDaemon(const Config& config) {
  const sigset_t signals = BlockStopSignals();
  // A peer that goes away is an error of a write, not the end of the process.
  signal(SIGPIPE, SIG_IGN);
  // What gRPC itself would print on a port that is taken is said below in our words.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);

  const Logger log = Logger::ToStandardError(config.logging);
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(config, log);
  if (!daemon.ok()) {
    const std::string why(daemon.status().message());
    std::fprintf(stderr, "eventbusd: %s\n", why.c_str());
    return ExitCodeOf(daemon.status());
  }
  Greet(config, **daemon);
  const int signal_number = WaitForSignal(signals);
  log.Info("signal received", {{"signal", signal_number}});
  ExitAtNextSignal(signals);
  (*daemon)->Drain();
  return kExitOk;
}

}  // namespace eventbus
