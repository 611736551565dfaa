#ifndef EVENTBUS_CLIENT_CLI_COMPLETION_H_
#define EVENTBUS_CLIENT_CLI_COMPLETION_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace eventbus::cli {

// A script for `shell` (bash, zsh or fish) that completes what `app` defines: commands, options,
// and the values of options that have a fixed set. File names elsewhere. Pure.
std::string CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_COMPLETION_H_
