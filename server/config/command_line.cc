#include "server/config/command_line.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/config.h"
#include "server/config/loader.h"
#include "server/config/print.h"
#include "server/config/registry.h"
#include "server/config/source.h"

namespace eventbus {
namespace {

constexpr int kBadUsage = 2;

std::string Report(const std::vector<std::string>& problems) {
  std::string report = absl::StrCat("eventbusd: the configuration has ", problems.size(),
                                    problems.size() == 1 ? " problem:\n" : " problems:\n");
  for (const std::string& problem : problems) absl::StrAppend(&report, "  ", problem, "\n");
  return report;
}

std::string Warnings(const std::vector<std::string>& warnings) {
  std::string report;
  for (const std::string& warning : warnings) {
    absl::StrAppend(&report, "eventbusd: warning: ", warning, "\n");
  }
  return report;
}

std::string ConfigFile(const settings::Flags& flags, const Environment& environment) {
  if (!flags.config_file.empty()) return flags.config_file;
  const auto variable = environment.find("EVENTBUS_CONFIG");
  return variable == environment.end() ? "" : variable->second;
}

}  // namespace

Environment ProcessEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string::size_type equals = text.find('=');
    if (equals == std::string::npos) continue;
    environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

Invocation ReadCommandLine(const std::vector<std::string>& arguments,
                           const Environment& environment, const CommandLineOptions& options) {
  const settings::Registry registry(options.check_pattern);
  settings::Flags flags = settings::ReadFlags(registry, arguments);

  // A question about the program is answered whatever the configuration is.
  Invocation invocation;
  if (flags.help) {
    invocation.out = settings::HelpText(registry);
  } else if (flags.version) {
    invocation.out = absl::StrCat("eventbusd ", options.version, "\n");
  } else if (flags.print_default_config) {
    invocation.out = settings::DefaultConfigFile(registry);
  } else if (flags.print_config_docs) {
    invocation.out = settings::ConfigDocs(registry);
  }
  if (!invocation.out.empty()) return invocation;

  std::vector<settings::Findings> sources;
  const std::string file = ConfigFile(flags, environment);
  if (!file.empty()) sources.push_back(settings::ReadYamlFile(registry, file));
  sources.push_back(settings::ReadEnvironment(registry, environment));
  sources.push_back(std::move(flags.findings));

  settings::Loaded loaded = settings::Load(registry, sources);
  invocation.err = Warnings(loaded.warnings);
  if (!loaded.problems.empty()) {
    invocation.exit_code = kBadUsage;
    absl::StrAppend(&invocation.err, Report(loaded.problems));
  } else if (flags.print_config) {
    invocation.out = settings::EffectiveConfig(registry, loaded.config, loaded.origins);
  } else if (flags.check_config) {
    invocation.out = "The configuration is good.\n";
  } else {
    invocation.run = true;
    invocation.config = std::move(loaded.config);
  }
  return invocation;
}

}  // namespace eventbus
