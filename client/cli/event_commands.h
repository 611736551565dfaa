#ifndef EVENTBUS_CLIENT_CLI_EVENT_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_EVENT_COMMANDS_H_

#include "client/cli/app.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// event recent, event get, event find.
void AddEventCommands(CLI::App& app, CommandLine& line);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_EVENT_COMMANDS_H_
