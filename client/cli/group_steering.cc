// eventbusctl group pause, group resume, group seek.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"
#include "client/cli/group_commands.h"
#include "client/cli/start_option.h"
#include "client/cpp/src/convert.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

constexpr char kPauseExamples[] = R"(Examples:
  eventbusctl group pause billing
  eventbusctl group pause billing --for 30m
  eventbusctl group pause billing --until 2026-01-31T08:00:00Z

Nobody is disconnected, what is in flight can be settled, and events are kept within their retention.)";

constexpr char kSeekExamples[] = R"(Examples:
  eventbusctl group seek billing --to 1h --dry-run             the last hour once more: how many?
  eventbusctl group seek billing --to 2026-01-31T08:00:00Z
  eventbusctl group seek billing --to latest --stream order.placed
  eventbusctl group seek billing --to order.placed=1700000000000-0-0

What is in flight is taken from its subscribers; dead letters stay.)";

int PauseGroup(const GlobalOptions& global, v1::PauseGroupRequest request,
               std::optional<absl::Duration> pause, bool json) {
  if (pause.has_value()) *request.mutable_until() = client::ToProto(absl::Now() + *pause);
  AdminConnection connection(global);
  v1::PauseGroupResponse response;
  const absl::Status status = connection.Call(&Stub::PauseGroup, request, &response);
  if (!status.ok()) return Report(global, status);
  const std::string until =
      request.has_until() ? " until " + TimeText(true, request.until()) : std::string();
  std::fputs(json ? JsonLine(response.group()).c_str()
                  : absl::StrCat("paused ", response.group().name(), until, "\n").c_str(),
             stdout);
  return kOk;
}

int ResumeGroup(const GlobalOptions& global, const v1::ResumeGroupRequest& request, bool json) {
  AdminConnection connection(global);
  v1::ResumeGroupResponse response;
  const absl::Status status = connection.Call(&Stub::ResumeGroup, request, &response);
  if (!status.ok()) return Report(global, status);
  std::fputs(json ? JsonLine(response.group()).c_str()
                  : absl::StrCat("resumed ", response.group().name(), "\n").c_str(),
             stdout);
  return kOk;
}

int SeekGroup(const GlobalOptions& global, const v1::SeekGroupRequest& request, bool json) {
  AdminConnection connection(global);
  v1::SeekGroupResponse response;
  const absl::Status status = connection.Call(&Stub::SeekGroup, request, &response);
  if (!status.ok()) return Report(global, status);
  if (json) {
    std::fputs(JsonLine(response).c_str(), stdout);
    return kOk;
  }
  const absl::string_view about = response.estimated() ? "about " : "";
  std::fputs(absl::StrCat(request.dry_run() ? "would move " : "moved ", request.name(), ": ", about,
                          response.repeated_events(), " events come again, ", about,
                          response.skipped_events(), " are skipped\n")
                 .c_str(),
             stdout);
  return kOk;
}

}  // namespace

void AddGroupPause(CLI::App& group, CommandLine& line) {
  CLI::App& command = *group.add_subcommand("pause", "Deliver nothing to a group until resumed");
  command.footer(kPauseExamples);
  struct Options {
    v1::PauseGroupRequest request;
    std::optional<absl::Duration> pause;
    AdminOutput output;
  };
  auto options = std::make_shared<Options>();
  AddGroupName(command, [options](const std::string& text) { options->request.set_name(text); });
  CLI::Option* until = AddTextOption(
      command, "--until", "TIME",
      [options](const std::string& text) {
        absl::Time time;
        if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) {
          return absl::InvalidArgumentError(
              absl::StrCat("\"", text, "\" is no time such as 2026-01-31T08:00:00Z"));
        }
        *options->request.mutable_until() = client::ToProto(time);
        return absl::OkStatus();
      },
      "Resume by itself at this time, 2026-01-31T08:00:00Z");
  AddTextOption(
      command, "--for", "DURATION",
      [options](const std::string& text) {
        const absl::StatusOr<absl::Duration> pause = ParseDuration(text);
        if (pause.ok()) options->pause = *pause;
        return pause.status();
      },
      "Resume by itself after this long")
      ->excludes(until);
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return PauseGroup(global, options->request, options->pause, options->output.json);
    };
  });
}

void AddGroupResume(CLI::App& group, CommandLine& line) {
  CLI::App& command = *group.add_subcommand("resume", "End a group's pause");
  struct Options {
    v1::ResumeGroupRequest request;
    AdminOutput output;
  };
  auto options = std::make_shared<Options>();
  AddGroupName(command, [options](const std::string& text) { options->request.set_name(text); });
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return ResumeGroup(global, options->request, options->output.json);
    };
  });
}

void AddGroupSeek(CLI::App& group, CommandLine& line) {
  CLI::App& command = *group.add_subcommand(
      "seek", "Move a group: back, and events come again, or forward, and they are skipped");
  command.footer(kSeekExamples);
  struct Options {
    v1::SeekGroupRequest request;
    AdminOutput output;
  };
  auto options = std::make_shared<Options>();
  AddGroupName(command, [options](const std::string& text) { options->request.set_name(text); });
  AddTextsOption(
      command, "--to", "START",
      [options](const std::vector<std::string>& texts) {
        return ReadStart(texts, options->request.mutable_target());
      },
      "Where to: latest, earliest, a time, a duration ago, or after STREAM=POSITION, which can be "
      "given again")
      ->required();
  AddTextsOption(
      command, "--stream", "STREAM",
      [options](const std::vector<std::string>& streams) {
        for (const std::string& stream : streams) options->request.add_streams(stream);
        return absl::OkStatus();
      },
      "Only there; in others it goes on where it is. Can be given again");
  command.add_flag_callback(
      "--dry-run", [options] { options->request.set_dry_run(true); },
      "Only say what would come again or be skipped");
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return SeekGroup(global, options->request, options->output.json);
    };
  });
}

}  // namespace eventbus::cli
