// Values from the environment.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/command_line.h"
#include "server/config/did_you_mean.h"
#include "server/config/node.h"
#include "server/config/registry.h"
#include "server/config/source.h"
#include "server/config/yaml.h"

namespace eventbus::settings {
namespace {

// What Kubernetes sets for a service called eventbus, the variable that names the file, and that of
// eventbusctl.
bool IsExpected(const std::string& variable) {
  return variable == "EVENTBUS_CONFIG" || variable == "EVENTBUS_SERVER" ||
         variable == "EVENTBUS_PORT" || absl::StartsWith(variable, "EVENTBUS_PORT_") ||
         absl::StartsWith(variable, "EVENTBUS_SERVICE_");
}

// The variables of the section that this one begins like; none if it begins like no section.
std::vector<std::string> OfItsSection(const Registry& registry, const std::string& variable) {
  for (const Section& section : registry.sections()) {
    if (!absl::StartsWith(variable,
                          absl::StrCat("EVENTBUS_", absl::AsciiStrToUpper(section.name), "_"))) {
      continue;
    }
    std::vector<std::string> names;
    for (const Setting& setting : registry.InSection(section.name)) {
      names.push_back(setting.environment_variable());
    }
    return names;
  }
  return {};
}

const Setting* FindByVariable(const Registry& registry, const std::string& variable) {
  for (const Setting& setting : registry.settings()) {
    if (setting.environment_variable() == variable) return &setting;
  }
  return nullptr;
}

}  // namespace

Findings ReadEnvironment(const Registry& registry, const Environment& environment) {
  std::vector<std::string> known;
  for (const Setting& setting : registry.settings())
    known.push_back(setting.environment_variable());

  Findings findings;
  for (const auto& [variable, value] : environment) {
    if (!absl::StartsWith(variable, "EVENTBUS_") || IsExpected(variable)) continue;
    const Setting* setting = FindByVariable(registry, variable);
    if (setting == nullptr) {
      const std::string closest = ClosestTo(variable, known);
      const std::string meant =
          closest.empty() ? "" : absl::StrCat("; did you mean ", closest, "?");
      const std::vector<std::string> allowed = OfItsSection(registry, variable);
      if (allowed.empty()) {
        findings.warnings.push_back(
            absl::StrCat(variable, ": no setting of the daemon; ignored", meant));
      } else {
        findings.problems.push_back(absl::StrCat(
            variable, ": unknown setting",
            meant.empty() ? absl::StrCat("; allowed here: ", absl::StrJoin(allowed, ", "))
                          : meant));
      }
      continue;
    }
    Node node = Node::Text(value);
    if (setting->from_yaml()) {
      YamlResult yaml = ParseYaml(value);
      if (!yaml.ok) {
        findings.problems.push_back(
            absl::StrCat(variable, ": ", setting->name(), ": ", yaml.error));
        continue;
      }
      node = std::move(yaml.node);
    }
    findings.assignments.push_back({setting, std::move(node), variable});
  }
  return findings;
}

}  // namespace eventbus::settings
