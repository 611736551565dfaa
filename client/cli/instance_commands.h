#ifndef EVENTBUS_CLIENT_CLI_INSTANCE_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_INSTANCE_COMMANDS_H_

#include "client/cli/app.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// instance list, subscriber list.
void AddInstanceCommands(CLI::App& app, CommandLine& line);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_INSTANCE_COMMANDS_H_
