// The part of Group that carries out what its members settle.
#include <utility>

#include "server/broker/delivery_ranges.h"
#include "server/broker/group.h"

namespace eventbus {

// ---- Settling ----

void Group::PutBack(std::vector<Member::TakenRun> taken, DeliveryInput input) {
  // From the last to the first, each to the front: their order stays.
  for (auto run = taken.rbegin(); run != taken.rend(); ++run) {
    const EntryRun& events = run->run;
    for (uint32_t i = events.first; i < events.first + events.count; ++i) {
      Advance(input, &events.entry->events[i]);
    }
    run->stream->PutBack(RunsIn(*events.entry, DeliveryPhase::kReady, events.first, events.count));
  }
}

void Group::Settle(SubscriptionId id, const SettleCommand& command) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  Member& member = *found->second;
  std::vector<DeliveryRange> done;
  std::vector<DeliveryRange> unknown;
  uint64_t unknown_count = 0;
  const auto take = [&](const DeliveryRange& range) {
    std::vector<Member::TakenRun> taken = member.TakeAway(range);
    uint64_t count = 0;
    for (const Member::TakenRun& run : taken) count += run.run.count;
    unknown_count += CountOf(range) - count;
    if (command.confirm != 0) {
      std::vector<DeliveryRange> hits;
      for (const Member::TakenRun& run : taken) {
        AppendRange({run.first_delivery, run.first_delivery + run.run.count - 1}, &hits);
      }
      AppendGaps(range, hits, &unknown);
      for (const DeliveryRange& hit : hits) AppendRange(hit, &done);
    }
    return taken;
  };

  std::shared_ptr<SettleWaiter> waiter;
  auto shared_info = std::make_shared<SettledInfo>();
  if (command.confirm != 0) {
    waiter = std::make_shared<SettleWaiter>(
        lifetime_.Guard([this, id, shared_info](const absl::Status& status) {
          const auto member_now = members_.find(id);
          if (member_now == members_.end()) return;
          --member_now->second->awaited_confirms;
          if (!status.ok()) std::swap(shared_info->done, shared_info->failed);
          member_now->second->sink()->OnSettled(*shared_info);
          Schedule();
        }));
    ++member.awaited_confirms;
  }
  uint64_t acked = 0;
  uint64_t released = 0;
  for (const DeliveryRange& range : command.acks) {
    for (const Member::TakenRun& run : take(range)) {
      acked += run.run.count;
      run.stream->Settle(run.run, waiter);
    }
  }
  for (const DeliveryRange& range : command.releases) {
    std::vector<Member::TakenRun> taken = take(range);
    for (const Member::TakenRun& run : taken) released += run.run.count;
    PutBack(std::move(taken), DeliveryInput::kRelease);
  }
  if (acked > 0) context_->events->OnAcked(acked);
  if (released > 0) context_->events->OnReleased(released);
  if (unknown_count > 0) context_->events->OnUnknownSettle(unknown_count);
  shared_info->confirm = command.confirm;
  shared_info->done = std::move(done);
  shared_info->unknown = std::move(unknown);
  Schedule();
}

std::optional<TokenSettlement::Problem> Group::SettleToken(const DeliveryToken& token, bool ack,
                                                           std::shared_ptr<SettleWaiter> waiter) {
  using Problem = TokenSettlement::Problem;
  const auto found = streams_.find(token.stream);
  if (found == streams_.end() || token.group.generation != known_.record.generation) {
    return Problem::kUnknown;
  }
  GroupStream& stream = *found->second->stream;
  HeldEntry* const entry = stream.FindHeld(token.position.entry);
  const uint32_t index = token.position.index;
  if (entry == nullptr || index >= entry->size()) return Problem::kUnknown;
  const EventDelivery& event = entry->events[index];
  if (event.phase == DeliveryPhase::kSettled) return Problem::kUnknown;
  const bool current =
      event.phase == DeliveryPhase::kInFlight && event.times_delivered == token.times_delivered;
  if (!ack && !current) return Problem::kTooLate;
  std::vector<Member::TakenRun> taken;
  // A copy: taking the last event away removes the holder.
  const auto holders = entry->holders;
  for (const HeldEntry::Holder& holder : holders) {
    if (index < holder.first || index >= holder.first + holder.count) continue;
    const uint64_t number = holder.first_delivery + index - holder.first;
    taken = holder.member->TakeAway({number, number});
    if (!taken.empty()) break;
  }
  if (ack) {
    stream.Settle({entry, index, 1}, std::move(waiter));
    context_->events->OnAcked(1);
  } else {
    PutBack(std::move(taken), DeliveryInput::kRelease);
    context_->events->OnReleased(1);
  }
  Schedule();
  return std::nullopt;
}

}  // namespace eventbus
