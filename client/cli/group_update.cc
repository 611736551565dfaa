// eventbusctl group update.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"
#include "client/cli/group_commands.h"
#include "client/cli/policy_options.h"
#include "google/protobuf/descriptor.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

constexpr char kExamples[] = R"(Examples:
  eventbusctl group update billing --max-retries 10 --max-retry-delay 10m
  eventbusctl group update billing --pattern 'order.*' --pattern 'refund.*'
  eventbusctl group update billing --reset-policy --ack-deadline 2m
  eventbusctl group update billing --filter 'source^=/eu/' --if-revision 4 --revision 5

What is not named stays as it is. A new pattern takes its streams from now on; a dropped one leaves
them, with what is unsettled there.)";

struct Options {
  v1::UpdateGroupRequest request;
  bool reset_policy = false;
  AdminOutput output;
};

// What the options have set is what is to be changed.
void FillMask(Options* options) {
  v1::UpdateGroupRequest& request = options->request;
  google::protobuf::FieldMask& mask = *request.mutable_update_mask();
  if (request.group().patterns_size() > 0) mask.add_paths("patterns");
  if (request.group().revision() != 0) mask.add_paths("revision");
  if (options->reset_policy) {
    mask.add_paths("policy");
    return;
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  v1::GroupPolicy::GetReflection()->ListFields(request.group().policy(), &fields);
  for (const auto* field : fields) mask.add_paths(absl::StrCat("policy.", field->name()));
}

int UpdateGroup(const GlobalOptions& global, const v1::UpdateGroupRequest& request, bool json) {
  AdminConnection connection(global);
  v1::UpdateGroupResponse response;
  const absl::Status status = connection.Call(&Stub::UpdateGroup, request, &response);
  if (!status.ok()) return Report(global, status);
  const v1::Group& group = response.group();
  std::fputs(
      json ? JsonLine(group).c_str()
           : absl::StrCat("updated ", group.name(), ", revision ", group.revision(), "\n").c_str(),
      stdout);
  return kOk;
}

}  // namespace

void AddGroupUpdate(CLI::App& group, CommandLine& line) {
  CLI::App& command =
      *group.add_subcommand("update", "Change a group's patterns, policy or revision");
  command.footer(kExamples);
  auto options = std::make_shared<Options>();
  v1::Group& changed = *options->request.mutable_group();
  AddGroupName(command, [&changed](const std::string& text) { changed.set_name(text); });
  AddTextsOption(
      command, "-p,--pattern", "PATTERN",
      [&changed](const std::vector<std::string>& patterns) {
        for (const std::string& pattern : patterns) changed.add_patterns(pattern);
        return absl::OkStatus();
      },
      "Which types, in place of the patterns it has; can be given again");
  AddPolicyOptions(command, changed.mutable_policy());
  command.add_flag("--reset-policy", options->reset_policy,
                   "What no option of the policy names goes back to its default");
  command
      .add_option_function<uint64_t>(
          "--revision", [&changed](const uint64_t& revision) { changed.set_revision(revision); },
          "The definition's new revision")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command
      .add_option_function<uint64_t>(
          "--if-revision",
          [options](const uint64_t& revision) { options->request.set_expected_revision(revision); },
          "Only if the stored revision is this one")
      ->type_name("N");
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    FillMask(options.get());
    if (options->request.update_mask().paths().empty()) {
      throw CLI::RequiredError(
          "one of --pattern, --revision, --reset-policy and the options of the policy");
    }
    line.run = [options](const GlobalOptions& global) {
      return UpdateGroup(global, options->request, options->output.json);
    };
  });
}

}  // namespace eventbus::cli
