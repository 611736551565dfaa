// Publisher: what a stream with a duplicate window may have seen already, and what is delayed.
#include <algorithm>
#include <utility>
#include <vector>

#include "server/broker/publisher.h"
#include "server/broker/schedule_id.h"

namespace eventbus {
namespace {

// How many of up to `most` outcomes are told as one run: alike, and in the log one behind the
// other.
uint32_t RunLength(std::vector<OnceOutcome>::const_iterator first, uint32_t most) {
  uint32_t length = 1;
  while (length < most) {
    const OnceOutcome& next = first[length];
    if (next.duplicate != first->duplicate) break;
    if (next.delayed_id.empty() != first->delayed_id.empty()) break;
    const Position follows = {first->position.entry, first->position.index + length};
    if (next.delayed_id.empty() && next.position != follows) break;
    ++length;
  }
  return length;
}

}  // namespace

void Publisher::AppendOnce(Lane& lane, Outgoing&& outgoing) {
  AppendOnceRequest request = OnceRequestOf(lane.stream, outgoing, lane.policy.duplicate_window);
  context_->store->AppendOnce(std::move(request),
                              lifetime_.Guard([this, &lane, outgoing = std::move(outgoing)](
                                                  absl::StatusOr<AppendOnceResult> result) mutable {
                                OnAppendedOnce(lane, std::move(outgoing), std::move(result));
                              }));
}

void Publisher::OnAppendedOnce(Lane& lane, Outgoing&& outgoing,
                               absl::StatusOr<AppendOnceResult> result) {
  if (!result.ok()) return OnAppendFailed(lane, std::move(outgoing), result.status());
  lane.proven = true;
  bool advanced = false;
  absl::Time due = absl::InfiniteFuture();
  auto outcome = result->events.begin();
  for (const CommandPart& part : outgoing.parts) {
    uint32_t index = 0;
    while (index < part.count) {
      const CommandPart run_part = {part.accepted, part.first + index,
                                    RunLength(outcome, part.count - index)};
      PublishedRun& run = AddRun(run_part);
      run.stream = lane.stream;
      run.position = outcome->position;
      run.duplicate = outcome->duplicate;
      for (uint32_t i = 0; i < run_part.count; ++i, ++outcome, ++index) {
        if (outcome->delayed_id.empty()) {
          advanced |= !outcome->duplicate;
          continue;
        }
        run.schedule_ids.push_back(ScheduleId{lane.stream, outcome->delayed_id}.ToString());
        if (!outcome->duplicate) due = std::min(due, outcome->due);
      }
      FinishIfSettled(*run_part.accepted);
    }
  }
  if (advanced) on_advanced_(lane.stream);
  if (due != absl::InfiniteFuture() && on_delayed_ != nullptr) {
    on_delayed_(lane.stream, due, result->store_time, result->waiting);
  }
  OnAppendEnded(lane, outgoing.commands);
}

}  // namespace eventbus
