#include "client/cli/admin_options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace eventbus::cli {

void AddFormatOption(CLI::App& command, AdminOutput* output) {
  static const std::map<std::string, bool> kFormats = {{"table", false}, {"json", true}};
  command
      .add_option("-o,--output", output->json,
                  "table: for people; json: one object a line, as in the contract. Default: table")
      ->transform(CLI::CheckedTransformer(kFormats))
      ->type_name("FORMAT")
      ->option_text("{table,json}");
}

void AddOutputOptions(CLI::App& command, AdminOutput* output) {
  AddFormatOption(command, output);
  command.add_option("-l,--limit", output->limit, "At most so many; default: all")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
}

}  // namespace eventbus::cli
