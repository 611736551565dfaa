// YAML text to a Node. The only door to yaml-cpp.
#ifndef EVENTBUS_SERVER_CONFIG_YAML_H_
#define EVENTBUS_SERVER_CONFIG_YAML_H_

#include <string>

#include "absl/strings/string_view.h"
#include "server/config/node.h"

namespace eventbus::settings {

struct YamlResult {
  bool ok = false;
  Node node;           // If ok; kNull for an empty document.
  int error_line = 0;  // If not ok, from 1.
  std::string error;
};

// Scalars are taken as the text that was written, whatever YAML would make of them. A second
// document in the same text is an error: it would be ignored silently.
YamlResult ParseYaml(absl::string_view text);

// `text` as a YAML scalar, quoted only where it must be.
std::string YamlScalar(absl::string_view text);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_YAML_H_
