#include "client/cli/stream_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

struct ListOptions {
  v1::ListStreamsRequest request;
  AdminOutput output;
};

int ListStreams(const GlobalOptions& global, const ListOptions& options) {
  AdminConnection connection(global);
  Table table({"STREAM", "EVENTS", "BYTES", "IN/S", "GROUPS", "OLDEST", "LATEST"});
  const absl::Status status = CallForPages(
      connection, &Stub::ListStreams, options.request, options.output.limit,
      [&](const v1::ListStreamsResponse& page) {
        for (const v1::Stream& stream : page.streams()) {
          if (options.output.json) {
            std::fputs(JsonLine(stream).c_str(), stdout);
            continue;
          }
          const absl::string_view about = stream.events_estimated() ? "~" : "";
          table.Add({stream.stream(), absl::StrCat(about, stream.events()),
                     absl::StrCat(about, stream.bytes()),
                     absl::StrFormat("%.1f", stream.events_per_second()),
                     absl::StrCat(stream.groups()),
                     TimeText(stream.has_first_stored_time(), stream.first_stored_time()),
                     TimeText(stream.has_last_stored_time(), stream.last_stored_time())});
        }
        return page.streams_size();
      });
  if (!options.output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

int PurgeStream(const GlobalOptions& global, const v1::PurgeStreamRequest& request, bool json) {
  AdminConnection connection(global);
  v1::PurgeStreamResponse response;
  const absl::Status status = connection.Call(&Stub::PurgeStream, request, &response);
  if (!status.ok()) return Report(global, status);
  if (json) {
    std::fputs(JsonLine(response).c_str(), stdout);
    return kOk;
  }
  std::printf("%s %llu events%s\n", request.dry_run() ? "would purge" : "purged",
              static_cast<unsigned long long>(response.purged_events()),
              request.delete_stream() ? ", and the stream" : "");
  for (const auto& [group, events] : response.unsettled_events()) {
    std::printf("  %llu of them not settled by %s\n", static_cast<unsigned long long>(events),
                group.c_str());
  }
  return kOk;
}

void AddList(CLI::App& stream, CommandLine& line) {
  CLI::App& command = *stream.add_subcommand("list", "List streams, with their size and age");
  auto options = std::make_shared<ListOptions>();
  AddPatterns(command,
              [options](const std::string& pattern) { options->request.add_patterns(pattern); });
  AddOutputOptions(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) { return ListStreams(global, *options); };
  });
}

void AddPurge(CLI::App& stream, CommandLine& line) {
  CLI::App& command =
      *stream.add_subcommand("purge", "Remove events from a stream for every group, for good");
  struct Options {
    v1::PurgeStreamRequest request;
    AdminOutput output;
  };
  auto options = std::make_shared<Options>();
  command
      .add_option_function<std::string>(
          "stream", [options](const std::string& text) { options->request.set_stream(text); },
          "The stream")
      ->required()
      ->type_name("STREAM");
  CLI::Option_group& extent = *command.add_option_group("extent", "How much of it");
  AddTextOption(
      extent, "--before", "TIME",
      [options](const std::string& text) {
        return ReadMoment(text, options->request.mutable_before_time());
      },
      "What was stored before a time, or longer ago than a duration");
  extent
      .add_option_function<std::string>(
          "--before-position",
          [options](const std::string& text) { options->request.set_before_position(text); },
          "What is before a position")
      ->type_name("POSITION");
  extent.add_flag_callback(
      "--all", [options] { options->request.set_all(true); }, "All events; the stream stays");
  extent.add_flag_callback(
      "--delete", [options] { options->request.set_delete_stream(true); },
      "The stream itself, and its type's place among limits.max_types");
  extent.require_option(1);
  command.add_flag_callback(
      "--dry-run", [options] { options->request.set_dry_run(true); },
      "Only say what would be gone");
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return PurgeStream(global, options->request, options->output.json);
    };
  });
}

}  // namespace

void AddStreamCommands(CLI::App& app, CommandLine& line) {
  CLI::App& stream = *app.add_subcommand("stream", "Streams: list, purge");
  stream.require_subcommand(1);
  AddList(stream, line);
  AddPurge(stream, line);
}

}  // namespace eventbus::cli
