#ifndef EVENTBUS_CLIENT_CLI_GROUP_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_GROUP_COMMANDS_H_

#include "client/cli/app.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// group list, group show, group create, group delete.
void AddGroupCommands(CLI::App& app, CommandLine& line);
// The latter two, below `group`.
void AddGroupCreate(CLI::App& group, CommandLine& line);
void AddGroupDelete(CLI::App& group, CommandLine& line);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_GROUP_COMMANDS_H_
