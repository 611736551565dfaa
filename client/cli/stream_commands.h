#ifndef EVENTBUS_CLIENT_CLI_STREAM_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_STREAM_COMMANDS_H_

#include "client/cli/app.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// stream list, stream purge.
void AddStreamCommands(CLI::App& app, CommandLine& line);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_STREAM_COMMANDS_H_
