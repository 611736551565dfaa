#include "client/cli/event_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"
#include "client/cli/event_json.h"
#include "client/cli/filter_option.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

constexpr uint64_t kDefaultLimit = 20;

constexpr char kRecentExamples[] = R"(Examples:
  eventbusctl event recent
  eventbusctl event recent 'order.*' --since 10m --limit 100
  eventbusctl event recent order.placed --filter 'source^=/eu/' --output json

Looking leaves no trace in any group.)";

constexpr char kGetExamples[] = R"(Examples:
  eventbusctl event get order.placed 1700000000000-0-0

Of each group whose patterns match the type it says how far the event got: waiting, in-flight,
retrying, acked, dead-letter, filtered-out; unknown: the group began behind it, or no trace is kept.)";

constexpr char kFindExamples[] = R"(Examples:
  eventbusctl event find order.placed order-17
  eventbusctl event find order.placed order-17 --source /shop --since 1h

It reads through the type's events, so narrow the time. Of several the last one is shown.)";

// ---- recent ----

struct RecentOptions {
  v1::GetRecentEventsRequest request;
  AdminOutput output;
};

int ListRecent(const GlobalOptions& global, const RecentOptions& options) {
  AdminConnection connection(global);
  Table table({"STORED", "STREAM", "POSITION", "ID", "SOURCE"});
  const absl::Status status =
      CallForPages(connection, &Stub::GetRecentEvents, options.request, options.output.limit,
                   [&](const v1::GetRecentEventsResponse& page) {
                     for (const v1::RecordedEvent& one : page.events()) {
                       if (options.output.json) {
                         std::fputs(JsonLine(one).c_str(), stdout);
                         continue;
                       }
                       table.Add({TimeText(one.has_stored_time(), one.stored_time()), one.stream(),
                                  one.position(), one.event().id(), one.event().source()});
                     }
                     return page.events_size();
                   });
  if (!options.output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

void AddRecent(CLI::App& event, CommandLine& line) {
  CLI::App& command = *event.add_subcommand("recent", "List the latest events, newest first");
  command.footer(kRecentExamples);
  auto options = std::make_shared<RecentOptions>();
  options->output.limit = kDefaultLimit;
  AddPatterns(command,
              [options](const std::string& pattern) { options->request.add_patterns(pattern); });
  AddTextOption(
      command, "--since", "TIME",
      [options](const std::string& text) {
        return ReadMoment(text, options->request.mutable_since());
      },
      "Only what was stored at or after a time, or not longer ago than a duration");
  AddTextsOption(
      command, "--filter", "CONDITION",
      [options](const std::vector<std::string>& conditions) {
        return ReadFilter(conditions, options->request.mutable_filter());
      },
      "Only events with this attribute: NAME=VALUE, NAME^=PREFIX, NAME$=SUFFIX; can be given "
      "again");
  command.add_option("-l,--limit", options->output.limit, "At most so many; default: 20")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) { return ListRecent(global, *options); };
  });
}

// ---- get, find ----

std::string StateText(v1::EventState state) {
  if (state == v1::EVENT_STATE_UNSPECIFIED) return "unknown";
  return WordOf(v1::EventState_Name(state), "EVENT_STATE_");
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

void Print(const v1::GetEventResponse& response) {
  const v1::RecordedEvent& event = response.event();
  std::printf("stream    %s\n", event.stream().c_str());
  std::printf("position  %s\n", event.position().c_str());
  std::printf("stored    %s\n", TimeText(event.has_stored_time(), event.stored_time()).c_str());
  std::printf("event     %s\n", FormatEventLine(event.event()).c_str());
  if (response.further_matches() > 0) {
    std::printf("further   %u of this id, stored earlier\n", response.further_matches());
  }
  if (response.groups().empty()) return;
  Table table(
      {"GROUP", "STATE", "ATTEMPT", "DELIVERED", "DUE", "INSTANCE", "SUBSCRIPTION", "REASON"});
  for (const v1::GroupEventState& group : response.groups()) {
    table.Add({group.group(), StateText(group.state()), absl::StrCat(group.attempt()),
               absl::StrCat(group.times_delivered()),
               TimeText(group.has_due_time(), group.due_time()), OrDash(group.instance_id()),
               OrDash(group.subscription_id()), OrDash(group.last_reason())});
  }
  std::printf("\n%s", table.Text().c_str());
}

int GetEvent(const GlobalOptions& global, const v1::GetEventRequest& request, bool json) {
  AdminConnection connection(global);
  v1::GetEventResponse response;
  const absl::Status status = connection.Call(&Stub::GetEvent, request, &response);
  if (!status.ok()) return Report(global, status);
  if (json) {
    std::fputs(JsonLine(response).c_str(), stdout);
  } else {
    Print(response);
  }
  return kOk;
}

struct GetOptions {
  v1::GetEventRequest request;
  AdminOutput output;
};

void RunGet(CLI::App& command, CommandLine& line, const std::shared_ptr<GetOptions>& options) {
  AddFormatOption(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) {
      return GetEvent(global, options->request, options->output.json);
    };
  });
}

void AddGet(CLI::App& event, CommandLine& line) {
  CLI::App& command =
      *event.add_subcommand("get", "Show an event, and what each group has done with it");
  command.footer(kGetExamples);
  auto options = std::make_shared<GetOptions>();
  v1::GetEventRequest::EventPlace& place = *options->request.mutable_place();
  command
      .add_option_function<std::string>(
          "stream", [&place](const std::string& text) { place.set_stream(text); }, "Its stream")
      ->required()
      ->type_name("STREAM");
  command
      .add_option_function<std::string>(
          "position", [&place](const std::string& text) { place.set_position(text); },
          "Its position there, as pub and event recent print it")
      ->required()
      ->type_name("POSITION");
  RunGet(command, line, options);
}

void AddFind(CLI::App& event, CommandLine& line) {
  CLI::App& command = *event.add_subcommand(
      "find", "Show an event by its id, and what each group has done with it");
  command.footer(kFindExamples);
  auto options = std::make_shared<GetOptions>();
  v1::GetEventRequest::EventIdentity& identity = *options->request.mutable_identity();
  command
      .add_option_function<std::string>(
          "type", [&identity](const std::string& text) { identity.set_type(text); }, "Its type")
      ->required()
      ->type_name("TYPE");
  command
      .add_option_function<std::string>(
          "id", [&identity](const std::string& text) { identity.set_id(text); }, "Its id")
      ->required()
      ->type_name("ID");
  command
      .add_option_function<std::string>(
          "--source", [&identity](const std::string& text) { identity.set_source(text); },
          "Only of this source")
      ->type_name("URI");
  AddTextOption(
      command, "--since", "TIME",
      [&identity](const std::string& text) { return ReadMoment(text, identity.mutable_since()); },
      "Only what was stored at or after a time, or not longer ago than a duration");
  AddTextOption(
      command, "--until", "TIME",
      [&identity](const std::string& text) { return ReadMoment(text, identity.mutable_until()); },
      "Only what was stored before a time, or longer ago than a duration");
  RunGet(command, line, options);
}

}  // namespace

void AddEventCommands(CLI::App& app, CommandLine& line) {
  CLI::App& event = *app.add_subcommand("event", "Stored events: recent, get, find");
  event.require_subcommand(1);
  AddRecent(event, line);
  AddGet(event, line);
  AddFind(event, line);
}

}  // namespace eventbus::cli
