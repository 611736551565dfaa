#include "client/cli/group_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

std::string LagText(const v1::GroupState& state) {
  return absl::StrCat(state.lag_estimated() ? "~" : "", state.lag());
}

struct ListOptions {
  v1::ListGroupsRequest request;
  AdminOutput output;
};

int ListGroups(const GlobalOptions& global, const ListOptions& options) {
  AdminConnection connection(global);
  Table table({"GROUP", "SUBSCRIBERS", "LAG", "PENDING", "RETRYING", "DEAD", "LOST", "PATTERNS"});
  const absl::Status status = CallForPages(
      connection, &Stub::ListGroups, options.request, options.output.limit,
      [&](const v1::ListGroupsResponse& page) {
        for (const v1::Group& group : page.groups()) {
          if (options.output.json) {
            std::fputs(JsonLine(group).c_str(), stdout);
            continue;
          }
          const v1::GroupState& state = group.state();
          const bool known = group.has_state();
          const auto number = [known](uint64_t value) {
            return known ? absl::StrCat(value) : std::string("-");
          };
          table.Add({group.name(), number(state.subscribers()), known ? LagText(state) : "-",
                     number(state.pending()), number(state.retrying()),
                     number(state.dead_letters()), number(state.lost_events()),
                     absl::StrJoin(group.patterns(), " ")});
        }
        return page.groups_size();
      });
  if (!options.output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

void PrintGroup(const v1::Group& group) {
  std::printf("group        %s\n", group.name().c_str());
  std::printf("patterns     %s\n", absl::StrJoin(group.patterns(), " ").c_str());
  std::printf("created      %s\n", TimeText(group.has_create_time(), group.create_time()).c_str());
  std::printf("changed      %s\n", TimeText(group.has_update_time(), group.update_time()).c_str());
  const v1::GroupState& state = group.state();
  std::printf("revision     %llu\n", static_cast<unsigned long long>(group.revision()));
  std::printf("paused       %s\n", group.paused() ? "yes" : "no");
  std::printf("subscribers  %u\n", state.subscribers());
  std::printf("unsettled    since %s\n",
              TimeText(state.has_oldest_unsettled_time(), state.oldest_unsettled_time()).c_str());
  std::printf("policy       %s\n\n", JsonLine(group.policy()).c_str());
}

int GetGroup(const GlobalOptions& global, const std::string& name, const AdminOutput& output) {
  AdminConnection connection(global);
  v1::GetGroupRequest request;
  request.set_name(name);
  Table table({"STREAM", "LAG", "PENDING", "RETRYING", "DEAD", "LOST", "DELIVERED", "UNSETTLED"});
  bool first = true;
  const absl::Status status = CallForPages(
      connection, &Stub::GetGroup, request, output.limit, [&](const v1::GetGroupResponse& page) {
        if (output.json) {
          std::fputs(JsonLine(page).c_str(), stdout);
        } else if (std::exchange(first, false)) {
          PrintGroup(page.group());
        }
        for (const v1::GroupStreamState& stream : page.streams()) {
          const v1::GroupState& state = stream.state();
          const auto position = [](const std::string& text) { return text.empty() ? "-" : text; };
          table.Add({stream.stream(), LagText(state), absl::StrCat(state.pending()),
                     absl::StrCat(state.retrying()), absl::StrCat(state.dead_letters()),
                     absl::StrCat(state.lost_events()), position(stream.delivered_position()),
                     position(stream.unsettled_position())});
        }
        return page.streams_size();
      });
  if (status.ok() && !output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

void AddList(CLI::App& group, CommandLine& line) {
  CLI::App& command = *group.add_subcommand("list", "List groups, with how far behind they are");
  auto options = std::make_shared<ListOptions>();
  command
      .add_option_function<std::string>(
          "prefix", [options](const std::string& text) { options->request.set_name_prefix(text); },
          "Only groups whose name begins with this")
      ->type_name("PREFIX");
  command
      .add_option_function<std::string>(
          "--type", [options](const std::string& text) { options->request.set_type(text); },
          "Only groups that receive this type")
      ->type_name("TYPE");
  command.add_flag_callback(
      "--brief", [options] { options->request.set_omit_state(true); },
      "Without their state, which is dear with many streams");
  AddOutputOptions(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) { return ListGroups(global, *options); };
  });
}

void AddShow(CLI::App& group, CommandLine& line) {
  CLI::App& command = *group.add_subcommand("show", "Show a group and where it is in each stream");
  auto name = std::make_shared<std::string>();
  auto output = std::make_shared<AdminOutput>();
  command.add_option("name", *name, "The group")->required()->type_name("NAME");
  AddOutputOptions(command, output.get());
  command.callback([&line, name, output] {
    line.run = [name, output](const GlobalOptions& global) {
      return GetGroup(global, *name, *output);
    };
  });
}

}  // namespace

void AddGroupCommands(CLI::App& app, CommandLine& line) {
  CLI::App& group = *app.add_subcommand(
      "group", "Groups: list, show, create, update, delete, pause, resume, seek");
  group.require_subcommand(1);
  AddList(group, line);
  AddShow(group, line);
  AddGroupCreate(group, line);
  AddGroupUpdate(group, line);
  AddGroupDelete(group, line);
  AddGroupPause(group, line);
  AddGroupResume(group, line);
  AddGroupSeek(group, line);
}

}  // namespace eventbus::cli
