#include "client/cli/app.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "client/cli/completion.h"
#include "client/cli/event_commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/group_commands.h"
#include "client/cli/instance_commands.h"
#include "client/cli/letter_commands.h"
#include "client/cli/start_option.h"
#include "client/cli/stream_commands.h"

#ifndef EVENTBUS_VERSION
#error "EVENTBUS_VERSION comes from the build"
#endif

namespace eventbus::cli {
namespace {

constexpr char kExitCodes[] = R"(Exit codes:
  0    done
  1    failed: the broker refused something, or an input line was malformed
  2    the command line is wrong
  3    no broker answers at --server, or it is not serving
  4    --timeout passed before the work was done
  130  pub: interrupted before everything was published)";

constexpr char kPubExamples[] = R"(Examples:
  eventbusctl pub order.completed.v1 --data '{"order": 17}' --key customer-5
  eventbusctl pub report.created --data @report.pdf --content-type application/pdf
  eventbusctl pub reminder.due --data 'call Ann' --after 2h
  eventbusctl pub --ndjson events.ndjson
  eventbusctl sub '*' --output ndjson --count 100 | eventbusctl --server other:9463 pub --ndjson -

A line of NDJSON is an event in the CloudEvents JSON format:
  {"type": "order.completed.v1", "source": "/shop", "data": {"order": 17}}
`data` is JSON, taken byte for byte; `data_base64` any bytes; every other member is an attribute.)";

constexpr char kSubExamples[] = R"(Examples:
  eventbusctl sub 'order.*'                          an ephemeral group of its own
  eventbusctl sub 'order.*' --group billing --from earliest
  eventbusctl sub '*' --count 10 --output ndjson     acks these ten, releases the rest
  eventbusctl sub blob.v1 --count 1 --output raw > blob

Patterns: `*` is exactly one segment, as the last one or more; `**` zero or more anywhere; `+` exactly
one anywhere. `*` alone is every type.)";

constexpr char kTailExamples[] = R"(Examples:
  eventbusctl tail '*'
  eventbusctl tail 'order.*' --from 10m --output ndjson
  eventbusctl tail order.completed.v1 --from earliest --count 5

A tail sees everything, settles nothing and leaves no trace.)";

constexpr char kCompletionExamples[] = R"(Examples:
  source <(eventbusctl completion bash)                                   this shell
  eventbusctl completion bash > /etc/bash_completion.d/eventbusctl        all of them
  eventbusctl completion zsh > "${fpath[1]}/_eventbusctl"
  eventbusctl completion fish > ~/.config/fish/completions/eventbusctl.fish)";

void AddGlobalOptions(CLI::App& app, GlobalOptions& global) {
  app.add_option("-s,--server", global.server, "Address of the broker")
      ->envname("EVENTBUS_SERVER")
      ->default_val("127.0.0.1:9463")
      ->type_name("ADDRESS");
  app.add_option_function<std::string>(
         "-t,--timeout",
         [&global](const std::string& text) {
           const absl::StatusOr<absl::Duration> timeout = ParseDuration(text);
           if (!timeout.ok()) {
             throw CLI::ValidationError("--timeout", std::string(timeout.status().message()));
           }
           global.timeout = *timeout;
         },
         "Give up after this long. pub: each event (default 30s); health: default 5s; sub, tail: "
         "the whole run (default: never); letters redrive: default never; other commands that look "
         "or "
         "operate: default 30s")
      ->type_name("DURATION");
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name,
                         std::optional<absl::Duration>& value, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [name, &value](const std::string& text) {
            const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
            if (!duration.ok()) {
              throw CLI::ValidationError(name, std::string(duration.status().message()));
            }
            value = *duration;
          },
          help)
      ->type_name("DURATION");
}

void AddPub(CLI::App& app, CommandLine& line) {
  CLI::App& pub = *app.add_subcommand("pub", "Publish one event, or many from NDJSON");
  pub.footer(kPubExamples);
  PubOptions& options = line.pub;
  CLI::Option* type =
      pub.add_option("type", options.type, "Type of the event, such as order.completed.v1");
  type->type_name("TYPE");
  pub.add_option("-d,--data", options.data,
                 "Its data: JSON or text, @FILE, or - for standard input")
      ->type_name("DATA");
  pub.add_option("--source", options.source, "Who publishes; also the ordering key")
      ->type_name("URI");
  pub.add_option("--id", options.id, "Default: a new UUIDv7")->type_name("ID");
  pub.add_option("-k,--key", options.key, "Ordering key, in place of the source")->type_name("KEY");
  pub.add_option("-a,--attr", options.attributes, "A further attribute; can be given again")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false)
      ->check([](const std::string& attribute) {
        return attribute.find('=') > 0 && attribute.find('=') != std::string::npos
                   ? std::string()
                   : "\"" + attribute + "\" is not NAME=VALUE";
      });
  pub.add_option("--content-type", options.content_type,
                 "Media type of the data. Default: application/json for JSON, text/plain for text")
      ->type_name("MEDIA-TYPE");
  CLI::Option* after = AddDuration(pub, "--after", options.after, "Deliver it this long after");
  CLI::Option* at = pub.add_option_function<std::string>(
      "--at",
      [&options](const std::string& text) {
        absl::Time time;
        std::string problem;
        if (!absl::ParseTime(absl::RFC3339_full, text, &time, &problem)) {
          throw CLI::ValidationError("--at", "\"" + text + "\" is not 2026-01-31T08:00:00Z");
        }
        options.at = time;
      },
      "Deliver it at this time, 2026-01-31T08:00:00Z");
  at->type_name("TIME")->excludes(after);
  CLI::Option* ttl = AddDuration(pub, "--ttl", options.ttl, "Drop it undelivered after this long");
  CLI::Option* count =
      pub.add_option("-n,--count", options.count, "Publish it this often, with a new id each time")
          ->check(CLI::PositiveNumber)
          ->type_name("N");
  CLI::Option* ndjson = pub.add_option("--ndjson", options.ndjson,
                                       "Publish each line of a file, or of standard input (-)");
  ndjson->type_name("FILE")->excludes(type)->excludes("--data")->excludes(count);
  for (CLI::Option* of_one : {after, at, ttl}) of_one->excludes(ndjson)->excludes(count);
  pub.add_flag("--keep-going", options.keep_going,
               "Go on after a malformed line or a refused event");
  pub.add_flag("-q,--quiet", options.quiet, "Say nothing but errors");
  pub.callback([&line, type, ndjson] {
    if (type->count() == 0 && ndjson->count() == 0) {
      throw CLI::RequiredError("TYPE, or --ndjson FILE,");
    }
    line.command = CommandLine::Command::kPub;
  });
}

void AddDelayed(CLI::App& app, CommandLine& line) {
  CLI::App& delayed =
      *app.add_subcommand("delayed", "Events that wait for their delivery time: list, cancel");
  delayed.require_subcommand(1);
  CLI::App& list =
      *delayed.add_subcommand("list", "Print them, soonest first: due time, schedule id, type, id");
  list.add_option("pattern", line.delayed_list.patterns, "Which types. Default: all")
      ->type_name("PATTERN");
  AddDuration(list, "--within", line.delayed_list.due_within, "Only those due within this time");
  list.add_option("-n,--count", line.delayed_list.count, "At most so many")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  list.add_flag("--ndjson", line.delayed_list.ndjson,
                "Print the events, as pub --ndjson takes them");
  list.callback([&line] { line.command = CommandLine::Command::kDelayedList; });
  CLI::App& cancel = *delayed.add_subcommand("cancel", "Remove them: they are not delivered");
  cancel.add_option("schedule_id", line.schedule_ids, "As pub and delayed list print it")
      ->required()
      ->type_name("SCHEDULE-ID");
  cancel.callback([&line] { line.command = CommandLine::Command::kDelayedCancel; });
}

void AddReceive(CLI::App& app, CommandLine& line, bool tail) {
  CLI::App& command =
      tail ? *app.add_subcommand("tail", "Look at events without taking them from anybody")
           : *app.add_subcommand("sub", "Subscribe: print events and ack them");
  command.footer(tail ? kTailExamples : kSubExamples);
  ReceiveOptions& options = line.receive;
  command.add_option("pattern", options.patterns, "Which types, such as order.*")
      ->required()
      ->type_name("PATTERN");
  if (!tail) {
    CLI::Option* group =
        command.add_option("-g,--group", options.group, "Durable group to be a member of")
            ->type_name("NAME");
    command
        .add_flag("--ephemeral", options.ephemeral,
                  "A group of its own that goes away later (the default)")
        ->excludes(group);
    command.add_flag("--no-ack", options.no_ack,
                     "Settle nothing: everything is released at the end, and comes again");
  }
  command
      .add_option_function<std::vector<std::string>>(
          "--from",
          [&options](const std::vector<std::string>& values) {
            const absl::StatusOr<client::StartAt> start = ParseStart(values, absl::Now());
            if (!start.ok()) {
              throw CLI::ValidationError("--from", std::string(start.status().message()));
            }
            options.start = *start;
          },
          tail ? "Where to begin: latest, earliest, a time, a duration ago, STREAM=POSITION. "
                 "Default: "
                 "latest"
               : "Where a new group begins: latest, earliest, a time, a duration ago, "
                 "STREAM=POSITION. Default: latest")
      ->type_name("START")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("-n,--count", options.count, "End after so many events")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  static const std::map<std::string, OutputFormat> kFormats = {{"pretty", OutputFormat::kPretty},
                                                               {"ndjson", OutputFormat::kNdjson},
                                                               {"raw", OutputFormat::kRaw}};
  command
      .add_option("-o,--output", options.output,
                  "pretty: for people; ndjson: what pub --ndjson takes back; raw: the data's exact "
                  "bytes and nothing else. Default: pretty")
      ->transform(CLI::CheckedTransformer(kFormats))
      ->type_name("FORMAT")
      ->option_text("{pretty,ndjson,raw}");
  command.add_flag("-q,--quiet", options.quiet, "Say nothing but events and errors");
  command.callback([&line, tail] {
    line.receive.tail = tail;
    line.command = CommandLine::Command::kReceive;
  });
}

}  // namespace

std::shared_ptr<CLI::App> MakeApp(CommandLine& line) {
  auto app = std::make_shared<CLI::App>(
      "Publish and receive events of an eventbus, and operate it.", "eventbusctl");
  app->require_subcommand(1);
  // Options of the program are taken behind the command as well.
  app->fallthrough();
  app->footer(kExitCodes);
  app->set_version_flag("--version", "eventbusctl " EVENTBUS_VERSION);
  AddGlobalOptions(*app, line.global);
  AddPub(*app, line);
  AddReceive(*app, line, /*tail=*/false);
  AddReceive(*app, line, /*tail=*/true);
  AddDelayed(*app, line);
  AddGroupCommands(*app, line);
  AddLetterCommands(*app, line);
  AddEventCommands(*app, line);
  AddStreamCommands(*app, line);
  AddInstanceCommands(*app, line);
  app->add_subcommand("health", "Ask whether the broker is serving; exit code 0 or 1")
      ->callback([&line] { line.command = CommandLine::Command::kHealth; });
  app->add_subcommand("version", "Print the version of eventbusctl")->callback([&line] {
    line.command = CommandLine::Command::kVersion;
  });
  CLI::App& completion =
      *app->add_subcommand("completion", "Print a script that completes commands and options");
  completion.footer(kCompletionExamples);
  completion.add_option("shell", line.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}));
  completion.callback([&line] { line.command = CommandLine::Command::kCompletion; });
  return app;
}

int RunEventbusctl(int argc, char** argv) {
  CommandLine line;
  const std::shared_ptr<CLI::App> app = MakeApp(line);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" that succeed.
    return app->exit(error) == 0 ? kOk : kUsage;
  }
  if (line.run != nullptr) return line.run(line.global);
  switch (line.command) {
    case CommandLine::Command::kPub:
      return RunPub(line.global, line.pub);
    case CommandLine::Command::kReceive:
      return RunReceive(line.global, line.receive);
    case CommandLine::Command::kDelayedList:
      return RunDelayedList(line.global, line.delayed_list);
    case CommandLine::Command::kDelayedCancel:
      return RunDelayedCancel(line.global, line.schedule_ids);
    case CommandLine::Command::kHealth:
      return RunHealth(line.global);
    case CommandLine::Command::kVersion:
      std::puts("eventbusctl " EVENTBUS_VERSION);
      return kOk;
    case CommandLine::Command::kCompletion:
      std::fputs(CompletionScript(*app, line.shell).c_str(), stdout);
      return kOk;
    case CommandLine::Command::kNone:
      break;
  }
  return kUsage;
}

}  // namespace eventbus::cli
