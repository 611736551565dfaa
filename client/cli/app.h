#ifndef EVENTBUS_CLIENT_CLI_APP_H_
#define EVENTBUS_CLIENT_CLI_APP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/commands.h"

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// What a command line says.
struct CommandLine {
  enum class Command {
    kNone,
    kPub,
    kReceive,
    kDelayedList,
    kDelayedCancel,
    kHealth,
    kVersion,
    kCompletion
  };
  Command command = Command::kNone;
  // What to do, of a command that brings it along.
  std::function<int(const GlobalOptions&)> run;
  GlobalOptions global;
  PubOptions pub;
  ReceiveOptions receive;
  DelayedListOptions delayed_list;
  // Of delayed cancel.
  std::vector<std::string> schedule_ids;
  // Of completion.
  std::string shell;
};

// The definition of eventbusctl's command line, which help and completion come from. `line` takes
// what is parsed, and lives as long as the app.
std::shared_ptr<CLI::App> MakeApp(CommandLine& line);

// Parses and runs. The exit code.
int RunEventbusctl(int argc, char** argv);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_APP_H_
