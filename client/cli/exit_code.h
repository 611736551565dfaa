#ifndef EVENTBUS_CLIENT_CLI_EXIT_CODE_H_
#define EVENTBUS_CLIENT_CLI_EXIT_CODE_H_

#include "absl/status/status.h"

namespace eventbus::cli {

// What the shell gets. Documented in --help and docs/cli.md.
enum ExitCode {
  kOk = 0,
  // The broker refused something, or an input line was malformed.
  kFailed = 1,
  // The command line is wrong.
  kUsage = 2,
  // No broker answers, or it is not serving.
  kUnavailable = 3,
  // --timeout passed before the work was done.
  kTimedOut = 4,
  // Ctrl-C before the work was done.
  kInterrupted = 130,
};

inline ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kUnavailable:
      return kUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return kTimedOut;
    default:
      return kFailed;
  }
}

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_EXIT_CODE_H_
