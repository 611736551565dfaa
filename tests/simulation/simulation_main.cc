// Runs histories of the simulation, for as long as you like; kHelp says how.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/simulation/simulation.h"

namespace {

using eventbus::simulation::AllMutations;
using eventbus::simulation::Mutation;
using eventbus::simulation::NameOf;
using eventbus::simulation::Simulate;
using eventbus::simulation::SimulationOptions;
using eventbus::simulation::SimulationResult;

constexpr char kHelp[] =
    R"(simulation [FLAG…]   lives through histories of several brokers on one store, one after the other

  simulation --minutes=10                          histories from seed 1 on
  simulation --seed=4711 --histories=1 --verbose   one of them, with its whole event log
  simulation --mutation=drop-states                how long until a planted bug is found

  --seed=N         the first history's seed; each one after it has the next seed (1)
  --histories=N    how many (no bound)
  --seconds=N      how long
  --minutes=N
  --mutation=NAME  plants a bug
  --keep-going     goes on after a history that breaks a rule
  --lines=N        of the event log before a violation (60)
  --verbose        the whole event log of each history
  --help           this text

Ends with 1 if a history broke a rule, after printing its seed, the rules and the end of the log. Goes on
until interrupted unless told when to stop.

mutations:)";

struct Flags {
  uint64_t seed = 1;
  uint64_t histories = std::numeric_limits<uint64_t>::max();
  double seconds = 0;
  size_t lines = 60;
  bool verbose = false;
  bool keep_going = false;
  bool help = false;
  Mutation mutation = Mutation::kNone;
};

bool ParseMutation(absl::string_view name, Mutation* mutation) {
  for (const Mutation candidate : AllMutations()) {
    if (NameOf(candidate) != name) continue;
    *mutation = candidate;
    return true;
  }
  return name == NameOf(Mutation::kNone);
}

bool ParseFlag(absl::string_view argument, Flags* flags) {
  if (argument == "--verbose") return flags->verbose = true;
  if (argument == "--keep-going") return flags->keep_going = true;
  if (argument == "--help") return flags->help = true;
  if (absl::ConsumePrefix(&argument, "--seed=")) return absl::SimpleAtoi(argument, &flags->seed);
  if (absl::ConsumePrefix(&argument, "--histories=")) {
    return absl::SimpleAtoi(argument, &flags->histories);
  }
  if (absl::ConsumePrefix(&argument, "--seconds=")) {
    return absl::SimpleAtod(argument, &flags->seconds);
  }
  if (absl::ConsumePrefix(&argument, "--minutes=")) {
    const bool valid = absl::SimpleAtod(argument, &flags->seconds);
    flags->seconds *= 60;
    return valid;
  }
  if (absl::ConsumePrefix(&argument, "--lines=")) return absl::SimpleAtoi(argument, &flags->lines);
  if (absl::ConsumePrefix(&argument, "--mutation=")) {
    return ParseMutation(argument, &flags->mutation);
  }
  return false;
}

void PrintHelp() {
  std::fputs(kHelp, stdout);
  for (const Mutation mutation : AllMutations()) {
    std::fprintf(stdout, " %s", std::string(NameOf(mutation)).c_str());
  }
  std::fputs("\n", stdout);
}

int Run(const Flags& flags) {
  const absl::Time begin = absl::Now();
  uint64_t histories = 0;
  uint64_t failed = 0;
  uint64_t events = 0;
  uint64_t deliveries = 0;
  uint64_t duplicates = 0;
  uint64_t settles = 0;
  uint64_t retries = 0;
  uint64_t expired = 0;
  uint64_t letters = 0;
  uint64_t faults = 0;
  absl::Duration virtual_time;
  for (; histories < flags.histories; ++histories) {
    if (flags.seconds > 0 && absl::Now() - begin > absl::Seconds(flags.seconds)) break;
    const SimulationOptions options{flags.seed + histories, flags.mutation};
    const SimulationResult result = Simulate(options);
    events += result.report.confirmed_events;
    deliveries += result.report.group_deliveries + result.report.tail_deliveries;
    duplicates += result.report.duplicates;
    settles += result.report.confirmed_settles;
    retries += result.report.retries;
    expired += result.report.expired;
    letters += result.report.dead_letters;
    faults += result.faults;
    virtual_time += result.virtual_time;
    if (flags.verbose) std::fputs(result.Describe(options, result.history.size()).c_str(), stdout);
    if (result.ok()) continue;
    ++failed;
    if (!flags.verbose) std::fputs(result.Describe(options, flags.lines).c_str(), stdout);
    if (!flags.keep_going) break;
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  std::printf(
      "%llu histories, %llu failed, in %.1f s (%.0f a minute); %s virtual, %llu events confirmed, "
      "%llu deliveries, %llu duplicates, %llu retries, %llu deadlines passed, %llu dead letters, "
      "%llu confirmed settles, %llu faults\n",
      static_cast<unsigned long long>(histories + (failed > 0 && !flags.keep_going ? 1 : 0)),
      static_cast<unsigned long long>(failed), seconds,
      static_cast<double>(histories) * 60 / seconds, absl::FormatDuration(virtual_time).c_str(),
      static_cast<unsigned long long>(events), static_cast<unsigned long long>(deliveries),
      static_cast<unsigned long long>(duplicates), static_cast<unsigned long long>(retries),
      static_cast<unsigned long long>(expired), static_cast<unsigned long long>(letters),
      static_cast<unsigned long long>(settles), static_cast<unsigned long long>(faults));
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    if (ParseFlag(argv[i], &flags)) continue;
    std::fprintf(stderr, "%s is not a flag; simulation --help lists them\n", argv[i]);
    return 2;
  }
  if (flags.help) {
    PrintHelp();
    return EXIT_SUCCESS;
  }
  return Run(flags);
}
