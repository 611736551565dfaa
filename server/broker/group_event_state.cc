#include "server/broker/group_event_state.h"

#include <algorithm>

namespace eventbus {
namespace {

BeganBehind If(bool behind) { return behind ? BeganBehind::kYes : BeganBehind::kNo; }

// A group that began with what came later: by its definition's times.
BeganBehind ByTime(const GroupDefinition& definition, EntryId entry) {
  // Of a seek to the latest only the time of a later change is known at worst.
  const bool sought = definition.start_stamp > 0;
  const uint64_t began =
      static_cast<uint64_t>(absl::ToUnixMillis(sought ? definition.updated : definition.created));
  return entry.ms == began ? BeganBehind::kPerhaps : If(entry.ms < began);
}

GroupEventState FromPending(const EventTrail& trail, absl::Time now) {
  const EventTrail::Pending& pending = *trail.pending;
  GroupEventState state;
  const StateRecord::EventState record = trail.record.value_or(StateRecord::EventState());
  if (record.settled) {
    state.progress = EventProgress::kAcked;
    return state;
  }
  state.times_delivered = static_cast<uint32_t>(pending.times_delivered);
  state.attempt = LatestAttempt(record.failed_attempts, pending.times_delivered);
  if (!record.reasons.empty()) state.last_reason = record.reasons.back();
  if (pending.alive) state.instance_id = pending.consumer;
  const absl::Time due = absl::FromUnixMillis(static_cast<int64_t>(record.due_ms));
  if (due > now) {
    state.progress = EventProgress::kRetrying;
    state.attempt = record.failed_attempts;
    state.due = due;
  } else if (pending.alive) {
    state.progress = EventProgress::kInFlight;
  } else {
    state.progress = EventProgress::kWaiting;
  }
  return state;
}

GroupEventState FromTrail(const EventTrail& trail, absl::Time now) {
  if (trail.here.has_value()) return *trail.here;
  if (trail.pending.has_value()) return FromPending(trail, now);
  GroupEventState state;
  state.progress = trail.read ? EventProgress::kAcked : EventProgress::kWaiting;
  return state;
}

GroupEventState FromLetter(const DeadLetterDetails& letter) {
  GroupEventState state;
  state.progress = EventProgress::kDeadLetter;
  state.attempt = letter.attempts;
  state.times_delivered = letter.times_delivered;
  if (!letter.reasons.empty()) state.last_reason = letter.reasons.back();
  return state;
}

}  // namespace

BeganBehind WhereItBegan(const KnownGroup& group, const TypeRecord& type, Position event) {
  const StreamStart start = group.StartOn(type);
  if (!start.after.has_value()) return ByTime(group.definition, event.entry);
  if (start.skip.has_value()) return If(event <= *start.skip);
  return If(event.entry <= *start.after);
}

GroupEventState EventStateOf(const EventFindings& findings, absl::Time now) {
  if (findings.letter.has_value()) return FromLetter(*findings.letter);
  if (findings.redriven.has_value()) return FromTrail(*findings.redriven, now);
  if (findings.began_behind == BeganBehind::kYes) return {};
  GroupEventState state = FromTrail(findings.own, now);
  // It may be one of the letters that were not looked at, or the group may never have had it.
  const bool perhaps_not = findings.letters_cut || findings.began_behind == BeganBehind::kPerhaps;
  if (state.progress == EventProgress::kAcked && perhaps_not) return {};
  return state;
}

uint32_t LatestAttempt(uint32_t failed_attempts, uint64_t times_delivered) {
  return static_cast<uint32_t>(std::min<uint64_t>(uint64_t{failed_attempts} + 1, times_delivered));
}

}  // namespace eventbus
