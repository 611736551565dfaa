// The scenarios at full speed on streams: publishing, publishing to a group, a backlog.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/load/connections.h"
#include "tests/bench/load/measured_run.h"
#include "tests/bench/load/opening.h"
#include "tests/bench/load/publishing.h"
#include "tests/bench/load/raw_client.h"
#include "tests/bench/load/scenario.h"
#include "tests/bench/load/subscribing.h"
#include "tests/bench/load/typed_client.h"

namespace eventbus::bench {
namespace {

constexpr char kAllTypes[] = "bench.*";

// Enough that every type has been seen, and its rate.
uint64_t FirstEvents(const LoadShape& shape) { return 2 * shape.types * shape.events_per_message; }

template <typename Client>
absl::StatusOr<Figures> PublishAlone(const LoadOptions& options) {
  const absl::Time deadline = absl::Now() + options.limit;
  Completions completions;
  Publishing<Client> publishing(Connect(options.address), &completions, options.shape);
  const absl::Cleanup end = [&] {
    publishing.Cancel();
    completions.Drain();
  };
  const auto settled = [&] { return publishing.settled(); };
  absl::Status status = completions.RunUntil([&] { return publishing.open(); }, deadline);
  if (!status.ok()) return status;
  publishing.PublishCount(FirstEvents(options.shape));
  status = completions.RunUntil(settled, deadline);
  if (!status.ok()) return status;
  publishing.PublishUntil(absl::Now() + options.warm_up);
  status = completions.RunUntil(settled, deadline);
  if (!status.ok()) return status;

  const uint64_t before = publishing.events_stored();
  const MeasuredRun run(options.watched);
  publishing.PublishUntil(run.begin() + options.duration);
  status = completions.RunUntil(settled, deadline);
  if (!status.ok()) return status;
  return run.Report(publishing.events_stored() - before);
}

// Waits until the group has settled all that is published.
template <typename Client>
absl::Status Settle(absl::Time deadline, Completions* completions, Publishing<Client>* publishing,
                    Subscribing<Client>* subscribing) {
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
absl::StatusOr<Figures> Flow(const LoadOptions& options, bool by_count) {
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
  if (!status.ok()) return status;
  publishing.PublishCount(FirstEvents(options.shape));
  status = Settle(deadline, &completions, &publishing, &subscribing);
  if (!status.ok()) return status;
  publishing.PublishUntil(absl::Now() + options.warm_up);
  status = Settle(deadline, &completions, &publishing, &subscribing);
  if (!status.ok()) return status;

  const uint64_t before = subscribing.acked();
  const uint64_t nacked_before = subscribing.nacked();
  const MeasuredRun run(options.watched);
  if (by_count) {
    publishing.PublishCount(options.events);
  } else {
    publishing.PublishUntil(run.begin() + options.duration);
  }
  status = Settle(deadline, &completions, &publishing, &subscribing);
  if (!status.ok()) return status;
  Figures figures = run.Report(subscribing.acked() - before);
  figures["nacked"] = subscribing.nacked() - nacked_before;
  figures["data_bytes"] = DataBytes(options.shape.event, TypeName(0));
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

  const absl::Time published = absl::Now();
  const MeasuredRun run(options.watched);
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
  Figures figures = run.Report(subscribing->acked());
  figures["publish_seconds"] = absl::ToDoubleSeconds(published - published_from);
  return figures;
}

}  // namespace

absl::StatusOr<Figures> RunPublishStream(const LoadOptions& options) {
  return options.typed ? PublishAlone<TypedClient>(options) : PublishAlone<RawClient>(options);
}

absl::StatusOr<Figures> RunFlow(const LoadOptions& options) {
  return options.typed ? Flow<TypedClient>(options, false) : Flow<RawClient>(options, false);
}

absl::StatusOr<Figures> RunFlowOfCount(const LoadOptions& options) {
  return options.typed ? Flow<TypedClient>(options, true) : Flow<RawClient>(options, true);
}

absl::StatusOr<Figures> RunDrain(const LoadOptions& options) {
  return options.typed ? Drain<TypedClient>(options) : Drain<RawClient>(options);
}

}  // namespace eventbus::bench
