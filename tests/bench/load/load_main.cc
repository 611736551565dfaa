// eventbus-load: puts load on an eventbusd, in the one way that was asked for, and prints what came
// of it as one JSON object.
#include <iostream>
#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "tests/bench/load/scenario.h"

namespace eventbus::bench {
namespace {

using Run = absl::StatusOr<Figures> (*)(const LoadOptions& options);

int Main(int argc, char** argv) {
  const std::map<std::string, Run> scenarios = {{"publish-stream", RunPublishStream},
                                                {"flow", RunFlow},
                                                {"flow-count", RunFlowOfCount},
                                                {"drain", RunDrain},
                                                {"unary", RunUnary},
                                                {"batch", RunBatch},
                                                {"one-delivered", RunOneDelivered},
                                                {"latency", RunLatency},
                                                {"fan-out", RunFanOut},
                                                {"idle", RunIdle}};
  LoadOptions options;
  std::string scenario;
  double seconds = absl::ToDoubleSeconds(options.duration);
  double warm_up = absl::ToDoubleSeconds(options.warm_up);
  double limit = absl::ToDoubleSeconds(options.limit);

  CLI::App app("Puts load on an eventbusd and prints what came of it as JSON.");
  app.add_option("scenario", scenario, "What to do")->required()->check(CLI::IsMember(scenarios));
  app.add_option("--address", options.address, "host:port of the daemon")->required();
  app.add_flag("--typed", options.typed, "Generated stubs in place of prebuilt bytes");
  app.add_option("--seconds", seconds, "Length of the run that is measured");
  app.add_option("--warm-up", warm_up, "Seconds before it");
  app.add_option("--limit", limit, "Seconds after which the run has failed");
  app.add_option("--event-bytes", options.shape.event.event_bytes,
                 "Of a whole event; 0: as --data-bytes says");
  app.add_option("--data-bytes", options.shape.event.data_bytes, "Of an event's data");
  app.add_flag("--bare", options.shape.event.bare, "Leave out what the broker fills in");
  app.add_option("--events-per-message", options.shape.events_per_message);
  app.add_option("--types", options.shape.types);
  app.add_option("--settle", options.settle, "How deliveries are settled")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, SettleKind>{{"in-order", SettleKind::kInOrder},
                                            {"nacks", SettleKind::kNacks},
                                            {"scattered", SettleKind::kScattered}}));
  app.add_option("--max-in-flight", options.max_in_flight, "Of the subscriber");
  app.add_option("--in-flight", options.in_flight, "Calls at once");
  app.add_option("--events", options.events, "Where the run is not measured by time");
  app.add_option("--rate", options.rate, "Events a second");
  app.add_option("--subscribers", options.subscribers);
  app.add_option("--subscribers-per-connection", options.subscribers_per_connection);
  app.add_option("--other-groups", options.other_groups, "Groups that nothing is published for");
  std::map<std::string, pid_t> watched = {{"daemon", 0}, {"redis", 0}};
  app.add_option("--daemon-pid", watched["daemon"], "Whose CPU time to tell");
  app.add_option("--redis-pid", watched["redis"], "Whose CPU time to tell");
  CLI11_PARSE(app, argc, argv);
  for (const auto& [name, process] : watched) {
    if (process > 0) options.watched[name] = process;
  }
  options.duration = absl::Seconds(seconds);
  options.warm_up = absl::Seconds(warm_up);
  options.limit = absl::Seconds(limit);

  const absl::StatusOr<Figures> figures = scenarios.at(scenario)(options);
  if (!figures.ok()) {
    std::cerr << "eventbus-load: " << figures.status().message() << "\n";
    return 1;
  }
  std::cout << figures->dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace eventbus::bench

int main(int argc, char** argv) { return eventbus::bench::Main(argc, argv); }
