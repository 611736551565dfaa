#ifndef EVENTBUS_CLIENT_CLI_LETTER_COMMANDS_H_
#define EVENTBUS_CLIENT_CLI_LETTER_COMMANDS_H_

#include "client/cli/app.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// letters list, letters redrive, letters purge.
void AddLetterCommands(CLI::App& app, CommandLine& line);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_LETTER_COMMANDS_H_
