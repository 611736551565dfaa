#ifndef EVENTBUS_CLIENT_CLI_ADMIN_OPTIONS_H_
#define EVENTBUS_CLIENT_CLI_ADMIN_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "eventbus/v1/broker.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace CLI {
class App;
class Option;
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

// An option whose text `read` takes; what that finds wrong is said of the option.
CLI::Option* AddTextOption(CLI::App& command, const std::string& name, const std::string& type,
                           std::function<absl::Status(const std::string&)> read,
                           const std::string& help);
// The same, for one that can be given again; `read` gets all of them.
CLI::Option* AddTextsOption(CLI::App& command, const std::string& name, const std::string& type,
                            std::function<absl::Status(const std::vector<std::string>&)> read,
                            const std::string& help);
// The argument that names a group.
void AddGroupName(CLI::App& command, const std::function<void(const std::string&)>& take);
// The arguments that say which types; none: all. `take` gets them one by one.
void AddPatterns(CLI::App& command, std::function<void(const std::string&)> take);
// What ParseStart takes, into a field of a request.
absl::Status ReadStart(const std::vector<std::string>& texts, v1::StartPosition* field);
// A time, or a duration ago, into a field of a request.
absl::Status ReadMoment(const std::string& text, google::protobuf::Timestamp* field);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_ADMIN_OPTIONS_H_
