// The part of Group that carries out what its members settle.
#include <algorithm>
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

void Group::Fail(const std::vector<Member::TakenRun>& taken, const GroupStream::Failure& failure,
                 const std::shared_ptr<SettleWaiter>& waiter) {
  for (const Member::TakenRun& run : taken) run.stream->Fail(run.run, failure, waiter);
}

void Group::Reject(const std::vector<Member::TakenRun>& taken, const std::string& reason,
                   const std::string& subscriber, const std::shared_ptr<SettleWaiter>& waiter) {
  for (const Member::TakenRun& run : taken) {
    run.stream->Reject(run.run, reason, subscriber, waiter);
  }
}

namespace {

uint64_t EventsIn(const std::vector<Member::TakenRun>& taken) {
  uint64_t events = 0;
  for (const Member::TakenRun& run : taken) events += run.run.count;
  return events;
}

std::vector<DeliveryRange> NumbersOf(const std::vector<Member::TakenRun>& taken) {
  std::vector<DeliveryRange> numbers;
  for (const Member::TakenRun& run : taken) {
    AppendRange({run.first_delivery, run.first_delivery + run.run.count - 1}, &numbers);
  }
  return numbers;
}

}  // namespace

// What becomes of the numbers of one settle command.
class Group::SettleOutcome {
 public:
  SettleOutcome(Member* member, bool told) : member_(member), told_(told) {}

  // Of `range`, these numbers are done.
  void Add(const DeliveryRange& range, const std::vector<DeliveryRange>& done) {
    uint64_t count = 0;
    for (const DeliveryRange& part : done) {
      count += CountOf(part);
      if (told_) AppendRange(part, &info_.done);
    }
    const uint64_t rest = CountOf(range) - count;
    not_done_ += rest;
    if (rest == 0) return;
    std::vector<DeliveryRange> gaps;
    AppendGaps(range, done, &gaps);
    for (const DeliveryRange& gap : gaps) AddNotDone(gap);
  }
  // An ack that comes late and counts all the same.
  void AddLateAck(uint64_t number) {
    if (told_) AppendRange({number, number}, &info_.done);
  }

  uint64_t not_done() const { return not_done_; }
  SettledInfo& info() { return info_; }

 private:
  void AddNotDone(const DeliveryRange& gap) {
    if (!told_) return;
    // Numbers that were never given are not looked up one by one.
    const uint64_t last = std::min(gap.last, member_->last_delivery());
    uint64_t number = gap.first;
    for (; number <= last && number != 0; ++number) {
      std::vector<DeliveryRange>* const where =
          member_->FindLost(number).has_value() ? &info_.too_late : &info_.unknown;
      AppendRange({number, number}, where);
    }
    if (number == 0 && gap.first == 0) {
      AppendRange({0, 0}, &info_.unknown);
      if (gap.last > 0) AddNotDone({1, gap.last});
      return;
    }
    if (number <= gap.last) AppendRange({number, gap.last}, &info_.unknown);
  }

  Member* const member_;
  const bool told_;
  SettledInfo info_;
  uint64_t not_done_ = 0;
};

void Group::Settle(SubscriptionId id, const SettleCommand& command) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  Member& member = *found->second;
  SettleOutcome outcome(&member, command.confirm != 0);

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
  const auto take = [&](const DeliveryRange& range) {
    std::vector<Member::TakenRun> taken = member.TakeAway(range);
    outcome.Add(range, NumbersOf(taken));
    return taken;
  };
  uint64_t acked = 0;
  for (const DeliveryRange& range : command.acks) {
    std::vector<Member::TakenRun> taken = member.TakeAway(range);
    std::vector<DeliveryRange> done = NumbersOf(taken);
    for (const Member::TakenRun& run : taken) {
      acked += run.run.count;
      run.stream->Settle(run.run, waiter);
    }
    acked += AckLate(&member, range, waiter, &done);
    outcome.Add(range, done);
  }
  uint64_t nacked = 0;
  for (const NackCommand& nack : command.nacks) {
    for (const DeliveryRange& range : nack.deliveries) {
      const std::vector<Member::TakenRun> taken = take(range);
      nacked += EventsIn(taken);
      Fail(taken, {DeadLetterCause::kNacked, nack.delay, nack.reason, member.client_id()}, waiter);
    }
  }
  uint64_t rejected = 0;
  for (const RejectCommand& reject : command.rejects) {
    for (const DeliveryRange& range : reject.deliveries) {
      const std::vector<Member::TakenRun> taken = take(range);
      rejected += EventsIn(taken);
      Reject(taken, reject.reason, member.client_id(), waiter);
    }
  }
  uint64_t released = 0;
  for (const DeliveryRange& range : command.releases) {
    std::vector<Member::TakenRun> taken = take(range);
    released += EventsIn(taken);
    PutBack(std::move(taken), DeliveryInput::kRelease);
  }
  for (const ExtendCommand& extension : command.extensions) {
    const absl::Duration deadline =
        context_->loop->MonotonicNow() +
        extension.deadline.value_or(known_.definition.policy.ack_deadline);
    for (const DeliveryRange& range : extension.deliveries) {
      outcome.Add(range, member.Extend(range, deadline));
    }
    ArmDeadline(deadline);
  }
  NoteAcked(&member.meter(), acked);
  member.meter().Failed(nacked + rejected);
  if (acked > 0) context_->events->OnAcked(acked);
  if (nacked > 0) context_->events->OnNacked(nacked);
  if (rejected > 0) context_->events->OnRejected(rejected);
  if (released > 0) context_->events->OnReleased(released);
  if (outcome.not_done() > 0) context_->events->OnUnknownSettle(outcome.not_done());
  outcome.info().confirm = command.confirm;
  *shared_info = std::move(outcome.info());
  Schedule();
}

uint64_t Group::AckLate(Member* member, const DeliveryRange& range,
                        const std::shared_ptr<SettleWaiter>& waiter,
                        std::vector<DeliveryRange>* done) {
  std::vector<uint64_t> late;
  for (const uint64_t number : member->LostIn(range)) {
    const std::optional<Member::PastLease> lease = member->FindLost(number);
    HeldEntry* const entry = lease->stream->FindHeld(lease->entry);
    if (entry == nullptr || !AckWherever(*lease->stream, *entry, lease->index, waiter)) continue;
    late.push_back(number);
  }
  if (late.empty()) return 0;
  std::vector<DeliveryRange> merged;
  size_t next = 0;
  for (const DeliveryRange& range_done : *done) {
    for (; next < late.size() && late[next] < range_done.first; ++next) {
      AppendRange({late[next], late[next]}, &merged);
    }
    AppendRange(range_done, &merged);
  }
  for (; next < late.size(); ++next) AppendRange({late[next], late[next]}, &merged);
  *done = std::move(merged);
  return late.size();
}

bool Group::AckWherever(GroupStream& stream, HeldEntry& entry, uint32_t index,
                        const std::shared_ptr<SettleWaiter>& waiter) {
  const DeliveryPhase phase = entry.events[index].phase;
  if (phase == DeliveryPhase::kSettled || phase == DeliveryPhase::kDying) return false;
  TakeAway(entry, index);
  stream.Settle({&entry, index, 1}, waiter);
  return true;
}

std::vector<Member::TakenRun> Group::TakeAway(const HeldEntry& entry, uint32_t index) {
  // A copy: taking the last event away removes the holder.
  const auto holders = entry.holders;
  for (const HeldEntry::Holder& holder : holders) {
    if (index < holder.first || index >= holder.first + holder.count) continue;
    const uint64_t number = holder.first_delivery + index - holder.first;
    std::vector<Member::TakenRun> taken = holder.member->TakeAway({number, number});
    if (!taken.empty()) return taken;
  }
  return {};
}

std::optional<TokenSettlement::Problem> Group::SettleToken(
    const DeliveryToken& token, const SettleAction& action,
    const std::shared_ptr<SettleWaiter>& waiter) {
  using Problem = TokenSettlement::Problem;
  using Kind = SettleAction::Kind;
  const auto found = streams_.find(token.stream);
  if (found == streams_.end() || token.group != found->second->stream->group()) {
    return Problem::kUnknown;
  }
  GroupStream& stream = *found->second->stream;
  HeldEntry* const entry = stream.FindHeld(token.position.entry);
  const uint32_t index = token.position.index;
  if (entry == nullptr || index >= entry->size()) return Problem::kUnknown;
  if (action.kind == Kind::kAck) {
    Member* const holder = HolderOf(*entry, index);
    if (!AckWherever(stream, *entry, index, waiter)) return Problem::kUnknown;
    NoteAcked(holder == nullptr ? nullptr : &holder->meter(), 1);
    context_->events->OnAcked(1);
    Schedule();
    return std::nullopt;
  }
  const EventDelivery& event = entry->events[index];
  if (event.phase == DeliveryPhase::kSettled || event.phase == DeliveryPhase::kDying) {
    return Problem::kUnknown;
  }
  const bool current = event.phase == DeliveryPhase::kInFlight &&
                       event.times_delivered == token.times_delivered &&
                       event.attempt() == token.attempt;
  if (!current) return Problem::kTooLate;
  if (action.kind == Kind::kExtend) {
    Extend(*entry, index, action.duration);
    return std::nullopt;
  }
  Member* const holder = HolderOf(*entry, index);
  const std::string subscriber = holder == nullptr ? "" : holder->client_id();
  std::vector<Member::TakenRun> taken = TakeAway(*entry, index);
  if (action.kind == Kind::kNack) {
    Fail(taken, {DeadLetterCause::kNacked, action.duration, action.reason, subscriber}, waiter);
    if (holder != nullptr) holder->meter().Failed(1);
    context_->events->OnNacked(1);
  } else if (action.kind == Kind::kReject) {
    Reject(taken, action.reason, subscriber, waiter);
    if (holder != nullptr) holder->meter().Failed(1);
    context_->events->OnRejected(1);
  } else {
    PutBack(std::move(taken), DeliveryInput::kRelease);
    context_->events->OnReleased(1);
  }
  Schedule();
  return std::nullopt;
}

void Group::Extend(const HeldEntry& entry, uint32_t index, std::optional<absl::Duration> duration) {
  const absl::Duration deadline =
      context_->loop->MonotonicNow() + duration.value_or(known_.definition.policy.ack_deadline);
  const auto holders = entry.holders;
  for (const HeldEntry::Holder& holder : holders) {
    if (index < holder.first || index >= holder.first + holder.count) continue;
    const uint64_t number = holder.first_delivery + index - holder.first;
    if (!holder.member->Extend({number, number}, deadline).empty()) break;
  }
  ArmDeadline(deadline);
}

Member* Group::HolderOf(const HeldEntry& entry, uint32_t index) {
  for (const HeldEntry::Holder& holder : entry.holders) {
    if (index < holder.first || index >= holder.first + holder.count) continue;
    // Of what was taken away from it, it still has the frame.
    const uint64_t number = holder.first_delivery + (index - holder.first);
    if (holder.member->DeadlineOf(number).has_value()) return holder.member;
  }
  return nullptr;
}

void Group::NoteAcked(SubscriberMeter* subscriber, uint64_t events) {
  if (events == 0) return;
  if (subscriber != nullptr) subscriber->Acked(events);
  acked_rate_.Add(context_->loop->MonotonicNow(), events);
}

}  // namespace eventbus
