// Values from the command line. The only door to CLI11, which splits arguments into flags and
// values; what they mean, and what is wrong with them, is said here.
#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/config/did_you_mean.h"
#include "server/config/node.h"
#include "server/config/registry.h"
#include "server/config/source.h"
#include "server/config/yaml.h"

namespace eventbus::settings {
namespace {

void TakeValue(const Setting& setting, const std::string& text, Findings& findings) {
  Node node = Node::Text(text);
  if (setting.from_yaml()) {
    YamlResult yaml = ParseYaml(text);
    if (!yaml.ok) {
      findings.problems.push_back(
          absl::StrCat(setting.flag(), ": ", setting.name(), ": ", yaml.error));
      return;
    }
    node = std::move(yaml.node);
  }
  findings.assignments.push_back({&setting, std::move(node), setting.flag()});
}

// CLI11 wants them last first, and takes the empty value of "--metrics-address=" for a missing one.
std::vector<std::string> AsCli11Wants(const std::vector<std::string>& arguments) {
  std::vector<std::string> reversed;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
    if (absl::StartsWith(*argument, "--") && absl::EndsWith(*argument, "=")) {
      reversed.emplace_back();
      reversed.push_back(argument->substr(0, argument->size() - 1));
    } else {
      reversed.push_back(*argument);
    }
  }
  return reversed;
}

// What CLI11 did not know: unknown flags, and words that belong to none.
void ReportExtras(const std::vector<std::string>& extras, const std::vector<std::string>& known,
                  Findings& findings) {
  bool after_unknown_flag = false;
  for (const std::string& extra : extras) {
    if (absl::StartsWith(extra, "-") && extra.size() > 1) {
      const std::string name = extra.substr(0, extra.find('='));
      const std::string closest = ClosestTo(name, known);
      findings.problems.push_back(
          closest.empty() ? absl::StrCat(name, ": unknown flag; --help lists all")
                          : absl::StrCat(name, ": unknown flag; did you mean ", closest, "?"));
      after_unknown_flag = true;
    } else if (after_unknown_flag) {  // Probably the value of that flag.
      after_unknown_flag = false;
    } else {
      findings.problems.push_back(
          absl::StrCat("\"", extra, "\": unexpected; the daemon takes flags only"));
    }
  }
}

}  // namespace

Flags ReadFlags(const Registry& registry, const std::vector<std::string>& arguments) {
  Flags flags;
  CLI::App app;
  app.set_help_flag();  // Ours is made from the registry.
  app.allow_extras();
  app.add_flag("-h,--help", flags.help);
  app.add_flag("-V,--version", flags.version);
  app.add_flag("--check-config", flags.check_config);
  app.add_flag("--print-config", flags.print_config);
  app.add_flag("--print-default-config", flags.print_default_config);
  app.add_flag("--print-config-docs", flags.print_config_docs);
  app.add_option("--config", flags.config_file)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  std::vector<std::string> known = {"--help",
                                    "--version",
                                    "--check-config",
                                    "--print-config",
                                    "--config",
                                    "--print-default-config",
                                    "--print-config-docs"};

  std::string ignored;  // The texts are taken from the options, which keep them past an error.
  std::vector<std::pair<const Setting*, CLI::Option*>> options;
  for (const Setting& setting : registry.settings()) {
    CLI::Option* option = setting.is_switch()
                              ? app.add_flag(absl::StrCat(setting.flag(), "{true}"), ignored)
                              : app.add_option(setting.flag(), ignored);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    options.emplace_back(&setting, option);
    known.push_back(setting.flag());
  }

  try {
    app.parse(AsCli11Wants(arguments));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string what = error.what();
    flags.findings.problems.push_back(
        absl::StrCat(what.substr(0, what.find(':')), ": needs a value"));
  } catch (const CLI::ParseError& error) {
    flags.findings.problems.push_back(error.what());
  }
  ReportExtras(app.remaining(), known, flags.findings);
  for (const auto& [setting, option] : options) {
    if (!option->empty()) TakeValue(*setting, option->results().back(), flags.findings);
  }
  return flags;
}

}  // namespace eventbus::settings
