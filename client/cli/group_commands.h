#ifndef EVENTBUS_CLIENT_CLI_GROUP_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_GROUP_COMMANDS_H_

#include "client/cli/app.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// group list, show, create, update, delete, pause, resume, seek.
void AddGroupCommands(CLI::App& app, CommandLine& line);
// Those of them, below `group`, that change one.
void AddGroupCreate(CLI::App& group, CommandLine& line);
void AddGroupUpdate(CLI::App& group, CommandLine& line);
void AddGroupDelete(CLI::App& group, CommandLine& line);
void AddGroupPause(CLI::App& group, CommandLine& line);
void AddGroupResume(CLI::App& group, CommandLine& line);
void AddGroupSeek(CLI::App& group, CommandLine& line);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_GROUP_COMMANDS_H_
