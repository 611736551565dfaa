#ifndef EVENTBUS_CLIENT_CLI_ADMIN_OPTIONS_H_
#define EVENTBUS_CLIENT_CLI_ADMIN_OPTIONS_H_

#include <cstdint>

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// How a command that lists something prints it.
struct AdminOutput {
  // An object of the contract a line, in place of a table.
  bool json = false;
  // Items at most. 0: all.
  uint64_t limit = 0;
};

// --output and --limit. `output` lives as long as the app.
void AddOutputOptions(CLI::App& command, AdminOutput* output);
// --output alone.
void AddFormatOption(CLI::App& command, AdminOutput* output);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_ADMIN_OPTIONS_H_
