// eventbusctl group create, group delete.
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

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

constexpr char kCreateExamples[] = R"(Examples:
  eventbusctl group create billing 'order.*' --from earliest
  eventbusctl group create mailer order.completed.v1 --max-retries 5 --retry-delay 10s --paused)";

constexpr char kDeleteExamples[] = R"(Examples:
  eventbusctl group delete billing --dry-run
  eventbusctl group delete billing --only-if-idle)";

int CreateGroup(const GlobalOptions& global, const v1::CreateGroupRequest& request, bool json) {
  AdminConnection connection(global);
  v1::CreateGroupResponse response;
  const absl::Status status = connection.Call(&Stub::CreateGroup, request, &response);
  if (status.ok()) {
    std::fputs(json ? JsonLine(response.group()).c_str()
                    : absl::StrCat("created ", response.group().name(), "\n").c_str(),
               stdout);
  }
  return Report(global, status);
}

int DeleteGroup(const GlobalOptions& global, const v1::DeleteGroupRequest& request, bool json) {
  AdminConnection connection(global);
  v1::DeleteGroupResponse response;
  const absl::Status status = connection.Call(&Stub::DeleteGroup, request, &response);
  if (!status.ok()) return Report(global, status);
  if (json) {
    std::fputs(JsonLine(response.group()).c_str(), stdout);
    return kOk;
  }
  const v1::GroupState& state = response.group().state();
  std::printf("%s %s: %llu events not delivered yet%s, %llu not settled, %llu dead letters\n",
              request.dry_run() ? "would delete" : "deleted", response.group().name().c_str(),
              static_cast<unsigned long long>(state.lag()), state.lag_estimated() ? " (about)" : "",
              static_cast<unsigned long long>(state.pending()),
              static_cast<unsigned long long>(state.dead_letters()));
  return kOk;
}

}  // namespace

void AddGroupCreate(CLI::App& group, CommandLine& line) {
  CLI::App& command =
      *group.add_subcommand("create", "Create a group before anybody subscribes as a member");
  struct Options {
    v1::CreateGroupRequest request;
    AdminOutput output;
  };
  auto options = std::make_shared<Options>();
  AddGroupName(command, [options](const std::string& text) {
    options->request.mutable_group()->set_name(text);
  });
  command
      .add_option_function<std::vector<std::string>>(
          "pattern",
          [options](const std::vector<std::string>& patterns) {
            for (const std::string& pattern : patterns) {
              options->request.mutable_group()->add_patterns(pattern);
            }
          },
          "Which types, such as order.*")
      ->required()
      ->type_name("PATTERN");
  AddTextsOption(
      command, "--from", "START",
      [options](const std::vector<std::string>& texts) {
        return ReadStart(texts, options->request.mutable_start());
      },
      "Where it begins in the streams that exist: latest, earliest, a time, a duration ago, "
      "STREAM=POSITION. Default: latest");
  AddPolicyOptions(command, options->request.mutable_group()->mutable_policy());
  command.footer(kCreateExamples);
  command.add_flag_callback(
      "--paused", [options] { options->request.set_paused(true); },
      "Deliver nothing until resumed");
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return CreateGroup(global, options->request, options->output.json);
    };
  });
}

void AddGroupDelete(CLI::App& group, CommandLine& line) {
  CLI::App& command =
      *group.add_subcommand("delete", "Delete a group, with its dead letters, for good");
  struct Options {
    v1::DeleteGroupRequest request;
    AdminOutput output;
  };
  auto options = std::make_shared<Options>();
  AddGroupName(command, [options](const std::string& text) { options->request.set_name(text); });
  command.add_flag_callback(
      "--only-if-idle", [options] { options->request.set_only_if_idle(true); },
      "Not if anybody is connected");
  command.add_flag_callback(
      "--dry-run", [options] { options->request.set_dry_run(true); },
      "Only say what would be gone");
  command.footer(kDeleteExamples);
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return DeleteGroup(global, options->request, options->output.json);
    };
  });
}

}  // namespace eventbus::cli
