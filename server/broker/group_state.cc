#include "server/broker/group_state.h"

#include <algorithm>
#include <utility>

#include "server/broker/entry_time.h"
#include "server/broker/state_record.h"

namespace eventbus {
namespace {

absl::Time OldestUnsettled(const GroupInfo& info) {
  const EntryId oldest = std::min(info.first_pending, info.first_unread);
  return oldest == EntryId::Max() ? absl::InfiniteFuture() : TimeOf(oldest);
}

}  // namespace

void GroupState::Add(const GroupState& other) {
  lag += other.lag;
  lag_estimated = lag_estimated || other.lag_estimated;
  pending += other.pending;
  retrying += other.retrying;
  dead_letters += other.dead_letters;
  lost_events += other.lost_events;
  oldest_unsettled = std::min(oldest_unsettled, other.oldest_unsettled);
  subscribers += other.subscribers;
  acked_per_second += other.acked_per_second;
}

GroupStreamState StateOf(std::string stream, const GroupFindings& findings, absl::Time now) {
  const GroupInfo& info = findings.info;
  GroupStreamState result;
  result.stream = std::move(stream);
  GroupState& state = result.state;
  state.lag = info.unread_events + findings.side_info.unread_events;
  state.lag_estimated = !info.exact || !findings.side_info.exact;
  state.dead_letters = findings.letters;
  state.lost_events = info.lost_events;
  state.oldest_unsettled = std::min(OldestUnsettled(info), OldestUnsettled(findings.side_info));

  uint64_t settled = 0;
  uint32_t first_unsettled = 0;
  for (const EntryState& entry : findings.states) {
    const absl::StatusOr<StateRecord> record = StateRecord::Decode(entry.record);
    if (!record.ok()) continue;
    std::optional<uint32_t> first;
    for (uint32_t i = 0; i < record->events.size(); ++i) {
      const StateRecord::EventState& event = record->events[i];
      if (event.settled) {
        ++settled;
        continue;
      }
      if (!first.has_value()) first = i;
      if (absl::FromUnixMillis(static_cast<int64_t>(event.due_ms)) > now) ++state.retrying;
    }
    if (entry.id == info.first_pending) first_unsettled = first.value_or(0);
  }
  const uint64_t pending = info.pending_events + findings.side_info.pending_events;
  // Not below the number of entries: each has something unsettled, and their events may have been
  // estimated.
  state.pending =
      std::max(pending - std::min(pending, settled), std::min(pending, info.pending_entries));
  if (info.first_pending != EntryId::Max()) {
    result.unsettled = Position{info.first_pending, first_unsettled};
  }
  if (info.last_read != EntryId::Min()) {
    result.delivered =
        Position{info.last_read, std::max(findings.last_read_events, uint32_t{1}) - 1};
  }
  return result;
}

}  // namespace eventbus
