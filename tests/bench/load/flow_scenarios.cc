// The scenarios at full speed on streams: publishing, publishing to a group, a backlog.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/opening.h"
#include "tests/bench/load/publishing.h"
#include "tests/bench/load/raw_client.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/subscribing.h"
#include "tests/bench/load/typed_client.h"

namespace eventbus::bench {
namespace {

constexpr char kAllTypes[] = "bench.*";

Figures Rate(uint64_t events, absl::Duration took, uint64_t events_in_all) {
  const double seconds = absl::ToDoubleSeconds(took);
  return {{"events", events},
          {"seconds", seconds},
          {"events_per_second", static_cast<double>(events) / seconds},
          {"events_in_all", events_in_all}};
}

template <typename Client>
absl::StatusOr<Figures> PublishAlone(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  Publishing<Client> publishing(Connect(options.address), &completions, options.shape);
  const absl::Cleanup end = [&] {
    publishing.Cancel();
    completions.Drain();
  };
  absl::Status status = completions.RunUntil([&] { return publishing.open(); }, deadline);
  uint64_t before = 0;
  absl::Time begin;
  for (const absl::Duration phase : {options.warm_up, options.duration}) {
    if (!status.ok()) return status;
    before = publishing.events_stored();
    begin = absl::Now();
    publishing.PublishUntil(begin + phase);
    status = completions.RunUntil([&] { return publishing.settled(); }, deadline);
  }
  if (!status.ok()) return status;
  return Rate(publishing.events_stored() - before, absl::Now() - begin, publishing.events_stored());
}

// Publishes for that long, and waits until the group has settled all of it.
template <typename Client>
absl::Status RunPhase(absl::Duration duration, absl::Time deadline, Completions* completions,
                      Publishing<Client>* publishing, Subscribing<Client>* subscribing) {
  publishing->PublishUntil(absl::Now() + duration);
  absl::Status status = completions->RunUntil(
      [&] {
        return publishing->settled() &&
               subscribing->received() == publishing->events_stored() + subscribing->nacked();
      },
      deadline);
  if (!status.ok()) return status;
  subscribing->Confirm();
  return completions->RunUntil([&] { return subscribing->confirmed(); }, deadline);
}

// Groups on types that nobody publishes, with a subscriber each.
template <typename Client>
std::vector<std::unique_ptr<Subscribing<Client>>> OtherGroups(const LoadOptions& options,
                                                              Completions* completions) {
  std::vector<std::unique_ptr<Subscribing<Client>>> groups;
  if (options.other_groups == 0) return groups;
  const std::shared_ptr<grpc::Channel> channel = Connect(options.address);
  for (size_t i = 0; i < options.other_groups; ++i) {
    const std::string name = absl::StrCat("other", i);
    groups.push_back(std::make_unique<Subscribing<Client>>(
        channel, completions,
        SubscribingOptions{.open = OpenGroup(name, absl::StrCat(name, ".*"), 1000)}));
  }
  return groups;
}

template <typename Client>
absl::StatusOr<Figures> Flow(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  const auto others = OtherGroups<Client>(options, &completions);
  Subscribing<Client> subscribing(
      Connect(options.address), &completions,
      {.open = OpenGroup("bench", kAllTypes, options.max_in_flight), .settle = options.settle});
  Publishing<Client> publishing(Connect(options.address), &completions, options.shape);
  const absl::Cleanup end = [&] {
    for (const auto& other : others) other->Cancel();
    publishing.Cancel();
    subscribing.Cancel();
    completions.Drain();
  };
  absl::Status status = completions.RunUntil(
      [&] {
        for (const auto& other : others) {
          if (!other->opened()) return false;
        }
        return publishing.open() && subscribing.opened();
      },
      deadline);
  uint64_t before = 0;
  absl::Time begin;
  for (const absl::Duration phase : {options.warm_up, options.duration}) {
    if (!status.ok()) return status;
    before = subscribing.acked();
    begin = absl::Now();
    status = RunPhase(phase, deadline, &completions, &publishing, &subscribing);
  }
  if (!status.ok()) return status;
  Figures figures = Rate(subscribing.acked() - before, absl::Now() - begin, subscribing.acked());
  figures["nacked"] = subscribing.nacked();
  return figures;
}

template <typename Client>
absl::StatusOr<Figures> Drain(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  Publishing<Client> publishing(Connect(options.address), &completions, options.shape);
  std::unique_ptr<Subscribing<Client>> subscribing;
  const absl::Cleanup end = [&] {
    publishing.Cancel();
    if (subscribing != nullptr) subscribing->Cancel();
    completions.Drain();
  };
  absl::Status status = completions.RunUntil([&] { return publishing.open(); }, deadline);
  if (!status.ok()) return status;
  const absl::Time published_from = absl::Now();
  publishing.PublishCount(options.events);
  status = completions.RunUntil([&] { return publishing.settled(); }, deadline);
  if (!status.ok()) return status;

  const absl::Time begin = absl::Now();
  SubscribingOptions subscription{.open = OpenGroup("bench", kAllTypes, options.max_in_flight),
                                  .settle = options.settle};
  subscription.open.mutable_start()->mutable_earliest();
  subscribing =
      std::make_unique<Subscribing<Client>>(Connect(options.address), &completions, subscription);
  status = completions.RunUntil(
      [&] { return subscribing->received() == publishing.events_stored(); }, deadline);
  if (!status.ok()) return status;
  subscribing->Confirm();
  status = completions.RunUntil([&] { return subscribing->confirmed(); }, deadline);
  if (!status.ok()) return status;
  Figures figures = Rate(subscribing->acked(), absl::Now() - begin, subscribing->acked());
  figures["publish_seconds"] = absl::ToDoubleSeconds(begin - published_from);
  return figures;
}

}  // namespace

absl::StatusOr<Figures> RunPublishStream(const LoadOptions& options) {
  return options.typed ? PublishAlone<TypedClient>(options) : PublishAlone<RawClient>(options);
}

absl::StatusOr<Figures> RunFlow(const LoadOptions& options) {
  return options.typed ? Flow<TypedClient>(options) : Flow<RawClient>(options);
}

absl::StatusOr<Figures> RunDrain(const LoadOptions& options) {
  return options.typed ? Drain<TypedClient>(options) : Drain<RawClient>(options);
}

}  // namespace eventbus::bench
