#include "client/cli/letter_commands.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cli/admin.h"
#include "client/cli/admin_options.h"
#include "client/cli/messages.h"

namespace eventbus::cli {
namespace {

using Stub = v1::EventBusAdmin::Stub;

constexpr char kListExamples[] = R"(Examples:
  eventbusctl letters list billing
  eventbusctl letters list billing --pattern 'order.*' --cause rejected --since 1h
  eventbusctl letters list billing --output json --limit 10

The last column is the reason that the last attempt's subscriber gave.)";

constexpr char kRedriveExamples[] = R"(Examples:
  eventbusctl letters redrive billing --all --dry-run
  eventbusctl letters redrive billing --pattern order.placed --since 1h --rate 10
  eventbusctl letters redrive billing --id 1700000000000-0@order.placed

They are delivered to their group alone, their attempts counted anew. A letter is removed once its
redelivery is stored. If the command ends early, the rest stay dead letters: give it again.)";

constexpr char kPurgeExamples[] = R"(Examples:
  eventbusctl letters purge billing --all --dry-run
  eventbusctl letters purge billing --until 168h

This cannot be undone.)";

// ---- Selecting ----

absl::Status ReadCauses(const std::vector<std::string>& names, v1::DeadLetterSelection* selection) {
  for (const std::string& name : names) {
    bool known = false;
    for (int value = v1::DeadLetterCause_MIN + 1; value <= v1::DeadLetterCause_MAX; ++value) {
      const auto cause = static_cast<v1::DeadLetterCause>(value);
      if (WordOf(v1::DeadLetterCause_Name(cause), "DEAD_LETTER_CAUSE_") != name) continue;
      selection->add_causes(cause);
      known = true;
    }
    if (!known) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" is none of nacked, deadline, rejected, crashes"));
    }
  }
  return absl::OkStatus();
}

// The options that pick letters. `selection` lives as long as the app.
void AddSelection(CLI::App& command, v1::DeadLetterSelection* selection) {
  AddTextsOption(
      command, "-p,--pattern", "PATTERN",
      [selection](const std::vector<std::string>& patterns) {
        for (const std::string& pattern : patterns) selection->add_patterns(pattern);
        return absl::OkStatus();
      },
      "Only of these types; can be given again");
  AddTextsOption(
      command, "--cause", "CAUSE",
      [selection](const std::vector<std::string>& names) { return ReadCauses(names, selection); },
      "Only those that died of this; can be given again")
      ->option_text("{nacked,deadline,rejected,crashes}");
  AddTextOption(
      command, "--since", "TIME",
      [selection](const std::string& text) { return ReadMoment(text, selection->mutable_since()); },
      "Only what died at or after a time, or not longer ago than a duration");
  AddTextOption(
      command, "--until", "TIME",
      [selection](const std::string& text) { return ReadMoment(text, selection->mutable_until()); },
      "Only what died before a time, or longer ago than a duration");
  AddTextsOption(
      command, "--id", "LETTER-ID",
      [selection](const std::vector<std::string>& ids) {
        for (const std::string& id : ids) selection->add_letter_ids(id);
        return absl::OkStatus();
      },
      "Only this letter, as letters list prints it; can be given again");
}

// What redrive and purge have in common.
template <typename Request>
struct PickOptions {
  Request request;
  v1::DeadLetterSelection selection;
  bool all = false;
  AdminOutput output;
};

// A selection, or --all; what is done cannot be taken back, so one of them has to be there.
template <typename Request>
void RequireSelection(PickOptions<Request>& options) {
  const bool selected = options.selection.ByteSizeLong() > 0;
  if (!selected && !options.all) {
    throw CLI::RequiredError("one of --all, --pattern, --cause, --since, --until and --id");
  }
  if (selected && options.all) {
    throw CLI::ValidationError("--all", "goes with none of the options that pick letters");
  }
  if (options.all) {
    options.request.set_all(true);
  } else {
    *options.request.mutable_selection() = options.selection;
  }
}

template <typename Options>
void AddGroup(CLI::App& command, const std::shared_ptr<Options>& options) {
  command
      .add_option_function<std::string>(
          "group", [options](const std::string& text) { options->request.set_group(text); },
          "The group")
      ->required()
      ->type_name("GROUP");
}

template <typename Request>
void AddPicking(CLI::App& command, const std::shared_ptr<PickOptions<Request>>& options) {
  AddGroup(command, options);
  AddSelection(command, &options->selection);
  command.add_flag("--all", options->all, "All that are there");
  command.add_flag_callback(
      "--dry-run", [options] { options->request.set_dry_run(true); },
      "Only say how many it would be");
  AddFormatOption(command, &options->output);
}

// ---- list ----

struct ListOptions {
  v1::ListDeadLettersRequest request;
  AdminOutput output;
};

int ListLetters(const GlobalOptions& global, const ListOptions& options) {
  AdminConnection connection(global);
  Table table({"DIED", "TYPE", "ID", "CAUSE", "ATTEMPTS", "REDRIVEN", "LETTER-ID", "REASON"});
  const absl::Status status = CallForPages(
      connection, &Stub::ListDeadLetters, options.request, options.output.limit,
      [&](const v1::ListDeadLettersResponse& page) {
        for (const v1::DeadLetter& letter : page.letters()) {
          if (options.output.json) {
            std::fputs(JsonLine(letter).c_str(), stdout);
            continue;
          }
          const v1::Event& event = letter.event().event();
          table.Add({TimeText(letter.has_dead_time(), letter.dead_time()), event.type(), event.id(),
                     WordOf(v1::DeadLetterCause_Name(letter.cause()), "DEAD_LETTER_CAUSE_"),
                     absl::StrCat(letter.attempts()), absl::StrCat(letter.redriven()),
                     letter.letter_id(),
                     letter.reasons().empty() ? "-" : *letter.reasons().rbegin()});
        }
        return page.letters_size();
      });
  if (!options.output.json) std::fputs(table.Text().c_str(), stdout);
  return Report(global, status);
}

void AddList(CLI::App& letters, CommandLine& line) {
  CLI::App& command = *letters.add_subcommand("list", "List dead letters of a group, oldest first");
  command.footer(kListExamples);
  auto options = std::make_shared<ListOptions>();
  AddGroup(command, options);
  AddSelection(command, options->request.mutable_selection());
  AddOutputOptions(command, &options->output);
  command.callback([&line, options] {
    line.run = [options](const GlobalOptions& global) { return ListLetters(global, *options); };
  });
}

// ---- redrive, purge ----

// Says which were asked for by their ids and are not there; the exit code.
template <typename Response>
int ReportNotFound(const Response& response) {
  for (const std::string& id : response.not_found()) {
    PrintError(absl::StrCat("no dead letter \"", id, "\" is there (any more)"));
  }
  return response.not_found().empty() ? kOk : kFailed;
}

int Redrive(const GlobalOptions& global, const v1::RedriveDeadLettersRequest& request, bool json) {
  // It lasts as long as it takes.
  AdminConnection connection(global, absl::InfiniteDuration());
  v1::RedriveDeadLettersResponse response;
  const absl::Status status = connection.Call(&Stub::RedriveDeadLetters, request, &response);
  if (!status.ok()) return Report(global, status);
  if (json) {
    std::fputs(JsonLine(response).c_str(), stdout);
  } else {
    std::fputs(absl::StrCat(request.dry_run() ? "would redrive " : "redrove ", response.redriven(),
                            " dead letters of ", request.group(), "\n")
                   .c_str(),
               stdout);
    if (response.remaining() > 0)
      std::puts(absl::StrCat("  ", response.remaining(), " are left").c_str());
  }
  return ReportNotFound(response);
}

void AddRedrive(CLI::App& letters, CommandLine& line) {
  CLI::App& command =
      *letters.add_subcommand("redrive", "Deliver dead letters to their group once more");
  command.footer(kRedriveExamples);
  auto options = std::make_shared<PickOptions<v1::RedriveDeadLettersRequest>>();
  AddPicking(command, options);
  command
      .add_option_function<double>(
          "--rate", [options](const double& rate) { options->request.set_max_per_second(rate); },
          "At most so many a second; default: 100")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command
      .add_option_function<uint64_t>(
          "--max", [options](const uint64_t& most) { options->request.set_max_letters(most); },
          "At most so many in all, oldest first; default: no limit")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command.callback([&line, options] {
    RequireSelection(*options);
    line.run = [options](const GlobalOptions& global) {
      return Redrive(global, options->request, options->output.json);
    };
  });
}

int Purge(const GlobalOptions& global, const v1::PurgeDeadLettersRequest& request, bool json) {
  AdminConnection connection(global);
  v1::PurgeDeadLettersResponse response;
  const absl::Status status = connection.Call(&Stub::PurgeDeadLetters, request, &response);
  if (!status.ok()) return Report(global, status);
  std::fputs(json ? JsonLine(response).c_str()
                  : absl::StrCat(request.dry_run() ? "would purge " : "purged ", response.purged(),
                                 " dead letters of ", request.group(), "\n")
                        .c_str(),
             stdout);
  return ReportNotFound(response);
}

void AddPurge(CLI::App& letters, CommandLine& line) {
  CLI::App& command = *letters.add_subcommand("purge", "Remove dead letters for good");
  command.footer(kPurgeExamples);
  auto options = std::make_shared<PickOptions<v1::PurgeDeadLettersRequest>>();
  AddPicking(command, options);
  command.callback([&line, options] {
    RequireSelection(*options);
    line.run = [options](const GlobalOptions& global) {
      return Purge(global, options->request, options->output.json);
    };
  });
}

}  // namespace

void AddLetterCommands(CLI::App& app, CommandLine& line) {
  CLI::App& letters = *app.add_subcommand("letters", "Dead letters: list, redrive, purge");
  letters.require_subcommand(1);
  AddList(letters, line);
  AddRedrive(letters, line);
  AddPurge(letters, line);
}

}  // namespace eventbus::cli
