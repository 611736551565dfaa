// Group: its members as operators see them, and the end of a stream by their hand.
#include <optional>
#include <string>
#include <vector>

#include "server/broker/group.h"

namespace eventbus {

SubscriberTotals Group::Stats(std::vector<SubscriberStats>* members) const {
  SubscriberTotals totals;
  for (const auto& [id, member] : members_) {
    SubscriberStats& stats = members->emplace_back(member->Stats());
    stats.group = known_.record.name;
    totals.Add(stats);
  }
  totals.acked_per_second = acked_rate_.PerSecond(context_->loop->MonotonicNow());
  return totals;
}

void Group::OnTypeGone(const std::string& stream) {
  if (!streams_.contains(stream)) return;
  Detach(stream, "the stream was deleted");
  if (ensuring_.empty()) OpenWaiting();
}

std::optional<GroupEventState> Group::HeldHere(const std::string& stream, Position event) const {
  const auto attached = streams_.find(stream);
  if (attached == streams_.end()) return std::nullopt;
  GroupStream& at = *attached->second->stream;
  GroupEventState state;
  if (at.IsBeingAcked(event.entry)) {
    state.progress = EventProgress::kAcked;
    return state;
  }
  const HeldEntry* const entry = at.FindHeld(event.entry);
  if (entry == nullptr || event.index >= entry->size()) return std::nullopt;
  const EventDelivery& delivery = entry->events[event.index];
  if (delivery.phase == DeliveryPhase::kSettled) {
    state.progress = EventProgress::kAcked;
    return state;
  }
  const Reasons* const reasons = entry->ReasonsOf(event.index);
  if (reasons != nullptr && !reasons->empty()) state.last_reason = reasons->back();
  state.times_delivered = delivery.times_delivered;
  state.attempt = LatestAttempt(delivery.failed_attempts, delivery.times_delivered);
  state.instance_id = context_->incarnation;
  const auto by_store = [this](absl::Duration due) {
    return context_->StoreNow() + (due - context_->loop->MonotonicNow());
  };
  switch (delivery.phase) {
    case DeliveryPhase::kReady:
    case DeliveryPhase::kSettled:
      state.progress = EventProgress::kWaiting;
      break;
    case DeliveryPhase::kDying:
      state.progress = EventProgress::kDeadLetter;
      break;
    case DeliveryPhase::kWaiting: {
      state.progress = EventProgress::kRetrying;
      state.attempt = delivery.failed_attempts;
      const auto trouble = entry->troubles.find(event.index);
      if (trouble != entry->troubles.end()) state.due = by_store(trouble->second.due);
      break;
    }
    case DeliveryPhase::kInFlight:
      state.progress = EventProgress::kInFlight;
      state.attempt = delivery.attempt();
      for (const HeldEntry::Holder& holder : entry->holders) {
        if (event.index < holder.first) continue;
        const std::optional<absl::Duration> deadline =
            holder.member->DeadlineOf(holder.first_delivery + (event.index - holder.first));
        if (event.index >= holder.first + holder.count || !deadline.has_value()) continue;
        state.subscription_id = holder.member->Stats().subscription_id;
        state.due = by_store(*deadline);
      }
      break;
  }
  return state;
}

Member* Group::FindMember(SubscriptionId id) {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : found->second.get();
}

}  // namespace eventbus
