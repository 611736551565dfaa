// Publisher: what a stream with a duplicate window may have seen already.
#include <utility>

#include "server/broker/publisher.h"

namespace eventbus {

void Publisher::AppendOnce(Lane& lane, Outgoing outgoing) {
  AppendOnceRequest request = OnceRequestOf(lane.stream, outgoing, lane.policy.duplicate_window);
  context_->store->AppendOnce(std::move(request),
                              lifetime_.Guard([this, &lane, outgoing = std::move(outgoing)](
                                                  absl::StatusOr<AppendOnceResult> result) mutable {
                                OnAppendedOnce(lane, std::move(outgoing), std::move(result));
                              }));
}

void Publisher::OnAppendedOnce(Lane& lane, Outgoing outgoing,
                               absl::StatusOr<AppendOnceResult> result) {
  if (!result.ok()) return OnAppendFailed(lane, std::move(outgoing), result.status());
  bool advanced = false;
  auto outcome = result->events.begin();
  for (const CommandPart& part : outgoing.parts) {
    // Runs of events that follow one another in the log too.
    CommandPart run = {part.accepted, part.first, 0};
    OnceOutcome first;
    for (uint32_t i = 0; i < part.count; ++i, ++outcome) {
      const Position next = {first.position.entry, first.position.index + run.count};
      if (run.count > 0 && (outcome->duplicate != first.duplicate || outcome->position != next)) {
        Settle(run, absl::OkStatus(), lane.stream, first.position, first.duplicate);
        run = {part.accepted, part.first + i, 0};
      }
      if (run.count++ == 0) first = *outcome;
      advanced |= !outcome->duplicate;
    }
    Settle(run, absl::OkStatus(), lane.stream, first.position, first.duplicate);
  }
  if (advanced) on_advanced_(lane.stream);
  OnAppendEnded(lane);
}

}  // namespace eventbus
