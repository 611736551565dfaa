// Where values come from, in rising precedence: configuration file, environment, flags. Each source
// only finds values and says where they stood; loader.h checks and merges them.
#ifndef EVENTBUS_SERVER_CONFIG_SOURCE_H_
#define EVENTBUS_SERVER_CONFIG_SOURCE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/config/command_line.h"
#include "server/config/node.h"
#include "server/config/registry.h"
#include "server/config/setting.h"

namespace eventbus::settings {

// A value that a source gives for a setting.
struct Assignment {
  const Setting* setting = nullptr;
  Node value;
  std::string place;  // "eventbus.yaml:3", "EVENTBUS_INSECURE", "--insecure"
};

// What a source found: values, what is wrong with the rest, and what is odd but harmless. Problems
// and warnings are lines that begin with their place.
struct Findings {
  std::vector<Assignment> assignments;
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
};

// `text` is the content of the file `path`, which only names places.
Findings ReadYaml(const Registry& registry, absl::string_view text, const std::string& path);

// Reads the file; one that cannot be read is a problem.
Findings ReadYamlFile(const Registry& registry, const std::string& path);

// Of the variables that begin with EVENTBUS_. One that is no setting but begins like a section,
// such as EVENTBUS_RETENTION_TLL, is a problem. Others get a warning, as clients and scripts may
// use such names; those that Kubernetes sets for a service called eventbus are passed over.
Findings ReadEnvironment(const Registry& registry, const Environment& environment);

// What the flags ask for, beside settings.
struct Flags {
  bool help = false;
  bool version = false;
  bool check_config = false;
  bool print_config = false;
  bool print_default_config = false;
  bool print_config_docs = false;
  std::string config_file;  // Empty: not given.
  Findings findings;
};

Flags ReadFlags(const Registry& registry, const std::vector<std::string>& arguments);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_SOURCE_H_
