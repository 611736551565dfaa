#include "server/daemon/run.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

// How a shell calls the eventbusctl that stands beside this program: by its name where that leads
// to it, else by its path.
std::string ControlProgram() {
  const std::string name = "eventbusctl";
  std::error_code error;
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const char* path = std::getenv("PATH");
  for (const absl::string_view on_path :
       absl::StrSplit(path == nullptr ? "" : path, ':', absl::SkipEmpty())) {
    if (std::filesystem::equivalent(std::string(on_path), folder, error)) return name;
  }
  const std::filesystem::path beside = folder / name;
  return std::filesystem::exists(beside, error) ? beside.string() : name;
}

void Greet(const Config& config, const Daemon& daemon) {
  const std::string address = WithPort(config.listen.address, daemon.port());
  std::string greeting = absl::StrCat("eventbusd listening on ", address, "\n");
  if (daemon.metrics_port() != 0) {
    absl::StrAppend(&greeting, "eventbusd metrics on http://",
                    WithPort(config.metrics.address, daemon.metrics_port()), "/metrics\n");
  }
  std::string ctl = ControlProgram();
  if (address != ListenConfig().address) absl::StrAppend(&ctl, " --server ", address);
  absl::StrAppend(&greeting, "try: ", ctl, " pub order.created --data '{\"id\": 1}' && ", ctl,
                  " tail '*' --from earliest --count 1\n");
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
