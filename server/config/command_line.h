// From what the user typed to what main() should do.
#ifndef EVENTBUS_SERVER_CONFIG_COMMAND_LINE_H_
#define EVENTBUS_SERVER_CONFIG_COMMAND_LINE_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/config/config.h"

namespace eventbus {

// Variable name to value.
using Environment = std::map<std::string, std::string>;

// The environment of this process.
Environment ProcessEnvironment();

struct CommandLineOptions {
  std::string version;  // What --version prints.
  // Says whether a pattern is one, and if not why. The grammar is the broker's, which this room
  // does not know; unset: any pattern passes.
  std::function<absl::Status(absl::string_view)> check_pattern;
};

// What main() should do: print `out` and `err`, then run the daemon with `config`, or exit.
struct Invocation {
  bool run = false;
  int exit_code = 0;  // If not `run`: 0, or 2 if the command line or configuration is bad.
  std::string out;    // For standard output; empty or whole lines.
  std::string err;    // For standard error; empty or whole lines. May hold warnings when `run`.
  Config config;      // Valid if `run`.
};

// Reads flags, environment and the configuration file (--config or EVENTBUS_CONFIG), in this order
// of precedence, over the defaults. `arguments` is argv without the program's name. Every problem
// is reported, not just the first.
Invocation ReadCommandLine(const std::vector<std::string>& arguments,
                           const Environment& environment, const CommandLineOptions& options);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_CONFIG_COMMAND_LINE_H_
