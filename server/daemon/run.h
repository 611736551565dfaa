#ifndef EVENTBUS_SERVER_DAEMON_RUN_H_
#define EVENTBUS_SERVER_DAEMON_RUN_H_

#include "server/config/command_line.h"
#include "server/config/config.h"

namespace eventbus {

// What the program exits with besides. `--help` lists them.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitBadConfiguration = 2;
inline constexpr int kExitAddressTaken = 3;

// What the command line has to know about this server.
CommandLineOptions CommandLineOptionsOfDaemon();

// Runs a daemon in the foreground until SIGTERM or SIGINT, then drains it; a second signal ends the
// process at once. Says on standard output where it listens, once it does. Returns the exit code.
// For main(), before it has started any thread.
int RunDaemon(const Config& config);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_DAEMON_RUN_H_
