#include "client/cli/admin_options.h"

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "client/cli/start_option.h"
#include "client/cpp/src/convert.h"
#include "client/cpp/src/subscription_spec.h"

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

CLI::Option* AddTextOption(CLI::App& command, const std::string& name, const std::string& type,
                           std::function<absl::Status(const std::string&)> read,
                           const std::string& help) {
  return command
      .add_option_function<std::string>(
          name,
          [name, read = std::move(read)](const std::string& text) {
            const absl::Status status = read(text);
            if (!status.ok()) throw CLI::ValidationError(name, std::string(status.message()));
          },
          help)
      ->type_name(type);
}

void AddGroupName(CLI::App& command, const std::function<void(const std::string&)>& take) {
  command.add_option_function<std::string>("name", take, "The group")
      ->required()
      ->type_name("NAME");
}

void AddPatterns(CLI::App& command, std::function<void(const std::string&)> take) {
  command
      .add_option_function<std::vector<std::string>>(
          "pattern",
          [take = std::move(take)](const std::vector<std::string>& patterns) {
            for (const std::string& pattern : patterns) take(pattern);
          },
          "Which types. Default: all")
      ->type_name("PATTERN");
}

absl::Status ReadStart(const std::vector<std::string>& texts, v1::StartPosition* field) {
  const absl::StatusOr<client::StartAt> start = ParseStart(texts, absl::Now());
  if (start.ok()) *field = client::ToProto(*start);
  return start.status();
}

absl::Status ReadMoment(const std::string& text, google::protobuf::Timestamp* field) {
  const absl::StatusOr<absl::Time> time = ParseMoment(text, absl::Now());
  if (time.ok()) *field = client::ToProto(*time);
  return time.status();
}

CLI::Option* AddTextsOption(CLI::App& command, const std::string& name, const std::string& type,
                            std::function<absl::Status(const std::vector<std::string>&)> read,
                            const std::string& help) {
  return command
      .add_option_function<std::vector<std::string>>(
          name,
          [name, read = std::move(read)](const std::vector<std::string>& texts) {
            const absl::Status status = read(texts);
            if (!status.ok()) throw CLI::ValidationError(name, std::string(status.message()));
          },
          help)
      ->type_name(type)
      ->take_all()
      ->allow_extra_args(false);
}

}  // namespace eventbus::cli
