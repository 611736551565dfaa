#include "client/cli/completion.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace eventbus::cli {
namespace {

struct CompletedOption {
  std::vector<std::string> names;  // `-o`, `--output`; none for a positional
  std::vector<std::string> values;
  std::string description;
  bool takes_value = false;
};

struct CompletedCommand {
  std::string name;  // `sub`, or `group list` below another one; empty: the program itself
  std::string description;
  std::vector<CompletedOption> options;
};

// The fixed values of an option stand in its help as {a,b,c}.
std::vector<std::string> ValuesOf(const CLI::Option& option) {
  for (const std::string& text : {option.get_option_text(), option.get_type_name()}) {
    const size_t open = text.find('{');
    const size_t close = text.find('}', open);
    if (open == std::string::npos || close == std::string::npos) continue;
    return absl::StrSplit(text.substr(open + 1, close - open - 1), ',');
  }
  return {};
}

CompletedCommand Describe(const CLI::App& app, const std::string& name) {
  CompletedCommand command{.name = name, .description = app.get_description(), .options = {}};
  for (const CLI::Option* option : app.get_options()) {
    CompletedOption completed;
    for (const std::string& letter : option->get_snames()) completed.names.push_back("-" + letter);
    for (const std::string& word : option->get_lnames()) completed.names.push_back("--" + word);
    if (!name.empty() && option == app.get_help_ptr()) continue;  // The program's own.
    completed.values = ValuesOf(*option);
    completed.description = option->get_description();
    completed.takes_value = option->get_items_expected_max() > 0 && option->get_type_size_max() > 0;
    command.options.push_back(std::move(completed));
  }
  return command;
}

// The program first.
std::vector<CompletedCommand> DescribeAll(const CLI::App& app) {
  std::vector<CompletedCommand> commands = {Describe(app, "")};
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    commands.push_back(Describe(*command, command->get_name()));
    for (const CLI::App* below : command->get_subcommands(nullptr)) {
      commands.push_back(
          Describe(*below, absl::StrCat(command->get_name(), " ", below->get_name())));
    }
  }
  return commands;
}

// Of the commands right below this one: what stands behind its name.
std::vector<std::string> NamesBelow(const std::vector<CompletedCommand>& commands,
                                    const std::string& name) {
  const std::string prefix = name.empty() ? "" : name + " ";
  std::vector<std::string> names;
  for (const CompletedCommand& command : commands) {
    absl::string_view rest = command.name;
    if (rest.empty() || !absl::ConsumePrefix(&rest, prefix)) continue;
    if (rest.find(' ') == absl::string_view::npos) names.emplace_back(rest);
  }
  return names;
}

// Names of commands as patterns of a shell's `case`, for one that is made of the words so far.
std::string NamePatterns(const std::vector<CompletedCommand>& commands) {
  std::vector<std::string> names;
  for (const CompletedCommand& command : commands) {
    if (!command.name.empty()) names.push_back(absl::StrReplaceAll(command.name, {{" ", "\\ "}}));
  }
  return absl::StrJoin(names, "|");
}

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// What bash and zsh are told: after which word of which command which values may stand, and
// otherwise which words each command takes. The program itself is the command "".
struct WordLists {
  // "sub:-o|sub:--output", as a pattern of the shells' `case`.
  std::vector<std::pair<std::string, std::vector<std::string>>> values;
  std::vector<std::pair<std::string, std::vector<std::string>>> words;
};

WordLists ListWords(const std::vector<CompletedCommand>& commands) {
  WordLists lists;
  std::vector<std::string> program_options;
  for (const CompletedCommand& command : commands) {
    std::vector<std::string> candidates = program_options;
    for (const CompletedOption& option : command.options) {
      candidates.insert(candidates.end(), option.names.begin(), option.names.end());
      if (option.values.empty()) continue;
      if (option.names.empty()) {
        candidates.insert(candidates.end(), option.values.begin(), option.values.end());
        continue;
      }
      std::vector<std::string> places;
      for (const std::string& name : option.names) {
        places.push_back(
            absl::StrCat(absl::StrReplaceAll(command.name, {{" ", "\\ "}}), ":", name));
      }
      lists.values.emplace_back(absl::StrJoin(places, "|"), option.values);
    }
    if (command.name.empty()) program_options = candidates;
    const std::vector<std::string> names = NamesBelow(commands, command.name);
    candidates.insert(candidates.end(), names.begin(), names.end());
    lists.words.emplace_back(Quoted(command.name), candidates);
  }
  return lists;
}

std::string BashScript(const std::string& program, const std::vector<CompletedCommand>& commands) {
  std::string script =
      absl::StrCat("_", program,
                   "() {\n  local word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
                   "  local before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n  local command=\"\" each\n"
                   "  for each in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                   "    case \"${command:+$command }$each\" in\n      ",
                   NamePatterns(commands),
                   ") command=\"${command:+$command }$each\" ;;\n    esac\n  done\n  COMPREPLY=()\n"
                   "  case \"$command:$before\" in\n");
  const WordLists lists = ListWords(commands);
  for (const auto& [place, values] : lists.values) {
    absl::StrAppend(&script, "    ", place, ") COMPREPLY=($(compgen -W ",
                    Quoted(absl::StrJoin(values, " ")), " -- \"$word\")); return ;;\n");
  }
  absl::StrAppend(&script, "  esac\n  local words=\"\"\n  case \"$command\" in\n");
  for (const auto& [command, words] : lists.words) {
    absl::StrAppend(&script, "    ", command, ") words=", Quoted(absl::StrJoin(words, " ")),
                    " ;;\n");
  }
  absl::StrAppend(&script,
                  "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
                  "complete -o default -F _",
                  program, " ", program, "\n");
  return script;
}

std::string ZshScript(const std::string& program, const std::vector<CompletedCommand>& commands) {
  std::string script = absl::StrCat(
      "#compdef ", program, "\n\n_", program,
      "() {\n  local before=\"${words[CURRENT-1]}\" command=\"\" each\n  local -a candidates\n"
      "  for each in \"${(@)words[2,CURRENT-1]}\"; do\n"
      "    case \"${command:+$command }$each\" in\n      ",
      NamePatterns(commands),
      ") command=\"${command:+$command }$each\" ;;\n    esac\n  done\n"
      "  case \"$command:$before\" in\n");
  const WordLists lists = ListWords(commands);
  for (const auto& [place, values] : lists.values) {
    absl::StrAppend(&script, "    ", place, ") compadd -- ", absl::StrJoin(values, " "),
                    "; return ;;\n");
  }
  absl::StrAppend(&script, "  esac\n  case \"$command\" in\n");
  for (const auto& [command, words] : lists.words) {
    absl::StrAppend(&script, "    ", command, ") candidates=(", absl::StrJoin(words, " "),
                    ") ;;\n");
  }
  // Loaded by compinit, the file is the function; sourced, it has to be made known.
  absl::StrAppend(&script,
                  "  esac\n  compadd -a candidates || _files\n}\n\nif [[ \"$funcstack[1]\" = _",
                  program, " ]]; then\n  _", program, " \"$@\"\nelse\n  compdef _", program, " ",
                  program, "\nfi\n");
  return script;
}

std::string FishScript(const std::string& program, const std::vector<CompletedCommand>& commands) {
  std::string script;
  for (const CompletedCommand& command : commands) {
    std::string condition;
    if (!command.name.empty()) {
      const std::vector<std::string> words = absl::StrSplit(command.name, ' ');
      // Where its own name may stand: behind the one it is below, and instead of others there.
      std::string place = "__fish_use_subcommand";
      if (words.size() > 1) {
        place = absl::StrCat("'__fish_seen_subcommand_from ", words[0],
                             "; and not __fish_seen_subcommand_from ",
                             absl::StrJoin(NamesBelow(commands, words[0]), " "), "'");
      }
      absl::StrAppend(&script, "complete -c ", program, " -n ", place, " -f -a ", words.back(),
                      " -d ", Quoted(command.description), "\n");
      condition = absl::StrCat(" -n '__fish_seen_subcommand_from ",
                               absl::StrJoin(words, "; and __fish_seen_subcommand_from "), "'");
    }
    for (const CompletedOption& option : command.options) {
      if (option.names.empty() && option.values.empty()) continue;
      absl::StrAppend(&script, "complete -c ", program, condition);
      for (const std::string& name : option.names) {
        absl::StrAppend(&script,
                        name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1));
      }
      if (option.takes_value && !option.names.empty()) absl::StrAppend(&script, " -r");
      if (!option.values.empty()) {
        absl::StrAppend(&script, " -f -a ", Quoted(absl::StrJoin(option.values, " ")));
      }
      absl::StrAppend(&script, " -d ", Quoted(option.description), "\n");
    }
  }
  return script;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  const std::vector<CompletedCommand> commands = DescribeAll(app);
  if (shell == "fish") return FishScript(app.get_name(), commands);
  return shell == "zsh" ? ZshScript(app.get_name(), commands)
                        : BashScript(app.get_name(), commands);
}

}  // namespace eventbus::cli
