// The scenarios with many subscribers: tails that all see everything, and idle ones.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/cpu_meter.h"
#include "tests/bench/load/opening.h"
#include "tests/bench/load/publishing.h"
#include "tests/bench/load/raw_client.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/subscribing.h"

namespace eventbus::bench {
namespace {

using Subscribers = std::vector<std::unique_ptr<Subscribing<RawClient>>>;

Subscribers Subscribe(const LoadOptions& options, const SubscribingOptions& subscription,
                      Completions* completions) {
  Subscribers subscribers;
  std::shared_ptr<grpc::Channel> channel;
  for (size_t i = 0; i < options.subscribers; ++i) {
    if (i % options.subscribers_per_connection == 0) channel = Connect(options.address);
    subscribers.push_back(
        std::make_unique<Subscribing<RawClient>>(channel, completions, subscription));
  }
  return subscribers;
}

bool AllOpened(const Subscribers& subscribers) {
  return std::all_of(subscribers.begin(), subscribers.end(),
                     [](const auto& one) { return one->opened(); });
}

}  // namespace

absl::StatusOr<Figures> RunFanOut(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  const Subscribers tails = Subscribe(
      options, {.open = OpenTail("bench.*", options.max_in_flight), .settle = std::nullopt},
      &completions);
  Publishing<RawClient> publishing(Connect(options.address), &completions, options.shape);
  const absl::Cleanup end = [&] {
    for (const auto& tail : tails) tail->Cancel();
    publishing.Cancel();
    completions.Drain();
  };
  uint64_t delivered = 0;
  for (const auto& tail : tails) {
    tail->set_on_deliveries([&delivered](const SubscribeNews& news) {
      for (const DeliveredBatch& batch : news.batches) delivered += batch.count;
    });
  }
  absl::Status status =
      completions.RunUntil([&] { return publishing.open() && AllOpened(tails); }, deadline);
  // The first message makes the type known.
  uint64_t before = 0;
  absl::Time begin;
  CpuMeter meter(options.watched);
  for (const uint64_t events : {uint64_t{1}, options.events}) {
    if (!status.ok()) return status;
    before = delivered;
    meter.Start();
    begin = absl::Now();
    publishing.PublishCount(events);
    status = completions.RunUntil(
        [&] {
          return publishing.settled() && delivered == publishing.events_stored() * tails.size();
        },
        deadline);
  }
  if (!status.ok()) return status;
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  const uint64_t deliveries = delivered - before;
  Figures figures{{"subscribers", tails.size()},
                  {"events", deliveries / tails.size()},
                  {"seconds", seconds},
                  {"deliveries_per_second", static_cast<double>(deliveries) / seconds}};
  meter.Report(static_cast<double>(deliveries), &figures);
  return figures;
}

absl::StatusOr<Figures> RunIdle(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  const Subscribers subscribers =
      Subscribe(options, {.open = OpenTail("idle.*", 1000), .settle = std::nullopt}, &completions);
  const absl::Cleanup end = [&] {
    for (const auto& one : subscribers) one->Cancel();
    completions.Drain();
  };
  absl::Status status = completions.RunUntil([&] { return AllOpened(subscribers); }, deadline);
  if (!status.ok()) return status;
  // Whoever started this measures now, and says so by closing standard input.
  std::cout << "ready" << std::endl;
  std::array<char, 64> ignored{};
  while (read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
  }
  return Figures{{"subscribers", subscribers.size()}};
}

}  // namespace eventbus::bench
