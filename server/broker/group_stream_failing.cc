// The part of GroupStream for events that fail: retries, and the ends of those that have failed too
// often.
#include <algorithm>
#include <iterator>
#include <utility>

#include "server/broker/entry_reader.h"
#include "server/broker/group_stream.h"
#include "server/broker/retry_policy.h"

namespace eventbus {

// ---- Failing ----

void GroupStream::Fail(const EntryRun& run, const Failure& failure,
                       std::shared_ptr<SettleWaiter> waiter) {
  HeldEntry& entry = *run.entry;
  AddReason(entry, run, failure.reason);
  uint32_t dropped = 0;
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    EventDelivery& event = entry.events[i];
    if (!Advance(DeliveryInput::kFail, &event)) continue;
    if (AttemptsUsedUp(*policy_, event.failed_attempts)) {
      Advance(DeliveryInput::kGiveUp, &event);
      dropped += Bury(entry, {i, failure.cause, failure.subscriber});
    } else {
      Retry(entry, i, failure);
    }
  }
  NoteFailed(entry, dropped, std::move(waiter));
}

void GroupStream::NoteFailed(HeldEntry& entry, uint32_t dropped,
                             std::shared_ptr<SettleWaiter> waiter) {
  if (dropped == entry.unsettled) return NoteSettled(entry, dropped, std::move(waiter));
  if (dropped > 0) LeaveLines(entry);
  entry.unsettled -= dropped;
  // At once, so that the attempt is not forgotten with this instance.
  MarkUnsaved(entry, std::move(waiter), /*at_once=*/true);
  MaybePark(entry);
}

void GroupStream::Retry(HeldEntry& entry, uint32_t index, const Failure& failure) {
  const EventDelivery& event = entry.events[index];
  const absl::Duration delay =
      failure.delay.has_value()
          ? *failure.delay
          : RetryDelay(*policy_, event.failed_attempts, context_->random->Next());
  WaitForRetry(entry, index, context_->loop->MonotonicNow() + delay);
}

void GroupStream::Reject(const EntryRun& run, const std::string& reason,
                         const std::string& subscriber, std::shared_ptr<SettleWaiter> waiter) {
  HeldEntry& entry = *run.entry;
  AddReason(entry, run, reason);
  uint32_t dropped = 0;
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    if (!Advance(DeliveryInput::kReject, &entry.events[i])) continue;
    dropped += Bury(entry, {i, DeadLetterCause::kRejected, subscriber});
  }
  NoteFailed(entry, dropped, std::move(waiter));
}

void GroupStream::Crash(const EntryRun& run, const std::string& subscriber) {
  HeldEntry& entry = *run.entry;
  std::vector<EntryRun> ready;
  uint32_t dropped = 0;
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    EventDelivery& event = entry.events[i];
    if (!Advance(DeliveryInput::kCrash, &event)) continue;
    if (event.crashes >= policy_->max_crashes) {
      Advance(DeliveryInput::kGiveUp, &event);
      dropped += Bury(entry, {i, DeadLetterCause::kCrashes, subscriber});
    } else {
      AddToRuns(entry, i, &ready);
    }
  }
  PutBack(ready);
  NoteFailed(entry, dropped, nullptr);
}

void GroupStream::AddReason(HeldEntry& entry, const EntryRun& run, const std::string& reason) {
  // Events that had the same reasons before share the new list too.
  const Reasons* before = nullptr;
  std::shared_ptr<const Reasons> after;
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    std::shared_ptr<const Reasons>& reasons = entry.troubles[i].reasons;
    if (after == nullptr || reasons.get() != before) {
      before = reasons.get();
      Reasons list = before == nullptr ? Reasons() : *before;
      if (list.size() == StateRecord::kMaxReasons) list.erase(list.begin());
      list.push_back(reason);
      after = std::make_shared<const Reasons>(std::move(list));
    }
    reasons = after;
  }
}

// ---- Waiting for the retry ----

void GroupStream::WaitForRetry(HeldEntry& entry, uint32_t index, absl::Duration due) {
  entry.troubles[index].due = due;
  ++waiting_events_;
  due_.emplace(due, entry.entry.id);
  const absl::Duration left = due_.begin()->first - context_->loop->MonotonicNow();
  retry_timer_->Arm(std::max(left, absl::ZeroDuration()));
}

void GroupStream::MaybePark(HeldEntry& entry) {
  if (entry.parked || entry.budgeted > 0) return;
  // By their phases: some that have been taken away from their member may be about to follow.
  const bool waits =
      std::all_of(entry.events.begin(), entry.events.end(), [](const EventDelivery& event) {
        return event.phase == DeliveryPhase::kWaiting || event.phase == DeliveryPhase::kSettled;
      });
  if (!waits) return;
  const uint64_t bytes = std::max<uint64_t>(entry.entry.value.size(), 1);
  if (context_->waiting_values->Take(bytes)) {
    entry.budgeted = bytes;
    return;
  }
  entry.parked = true;
  entry.entry.value = Bytes();
  entry.offsets = {};
}

void GroupStream::Unpark(HeldEntry& entry) {
  context_->waiting_values->Return(std::exchange(entry.budgeted, 0));
}

void GroupStream::RetriesDue() {
  const absl::Duration now = context_->loop->MonotonicNow();
  bool any = false;
  while (!due_.empty() && due_.begin()->first <= now) {
    const EntryId id = due_.begin()->second;
    due_.erase(due_.begin());
    HeldEntry* const entry = FindHeld(id);
    if (entry == nullptr) continue;
    any = true;
    if (entry->parked) {
      if (reread_.empty() || reread_.back() != id) reread_.push_back(id);
    } else {
      MakeDueReady(*entry);
    }
  }
  if (!due_.empty()) retry_timer_->Arm(due_.begin()->first - now);
  if (any) Changed();
}

void GroupStream::MakeDueReady(HeldEntry& entry) {
  Unpark(entry);
  const absl::Duration now = context_->loop->MonotonicNow();
  std::vector<EntryRun> ready;
  for (const auto& [index, trouble] : entry.troubles) {
    if (entry.events[index].phase != DeliveryPhase::kWaiting || trouble.due > now) continue;
    Advance(DeliveryInput::kDue, &entry.events[index]);
    --waiting_events_;
    if (MayGo(entry, index)) AddToRuns(entry, index, &ready);
  }
  PutBack(ready);
  MaybePark(entry);
}

void GroupStream::Reread(uint32_t max_entries) {
  fetching_ = true;
  while (!reread_.empty() && max_entries > 0) {
    const EntryId id = reread_.front();
    reread_.pop_front();
    --max_entries;
    ++rereads_under_way_;
    context_->store->ReadRange(
        {*stream_, id, id, 1},
        lifetime_.Guard([this, id, epoch = epoch_](absl::StatusOr<std::vector<Entry>> entries) {
          OnReread(id, epoch, std::move(entries));
        }));
  }
}

void GroupStream::OnReread(EntryId id, uint64_t epoch, absl::StatusOr<std::vector<Entry>> entries) {
  if (epoch != epoch_) return;
  if (--rereads_under_way_ == 0) {
    EndFetch();
    Changed();
  }
  HeldEntry* const entry = FindHeld(id);
  if (entry == nullptr || !entry->parked) return;
  if (!entries.ok() && entries.status().code() != absl::StatusCode::kNotFound) {
    reread_.push_back(id);
    return Pause();
  }
  if (!entries.ok() || entries->empty() ||
      !IndexEvents(entries->front().value.view(), &entry->offsets).ok()) {
    // Retention was faster, and has counted it.
    ForgetHeld(id);
    return QueueAck(id);
  }
  entry->entry.value = std::move(entries->front().value);
  entry->parked = false;
  MakeDueReady(*entry);
}

// ---- Dead letters ----

uint32_t GroupStream::Bury(HeldEntry& entry, Death death) {
  if (!policy_->dead_letter) {
    Advance(DeliveryInput::kBuried, &entry.events[death.index]);
    entry.troubles.erase(death.index);
    context_->events->OnGivenUp(1);
    return 1;
  }
  ++entry.dying;
  burials_[entry.entry.id].deaths.push_back(std::move(death));
  Changed();
  return 0;
}

BuriedEntry GroupStream::WriteLetters(const HeldEntry& entry, const Burial& burial) const {
  BuriedEntry buried;
  buried.id = entry.entry.id;
  const bool ends = entry.unsettled == entry.dying;
  if (!ends) buried.record = entry.EncodeState(context_->store_clock, /*buried=*/true);
  for (const Death& death : burial.deaths) {
    const EventDelivery& event = entry.events[death.index];
    DeadLetterDetails details;
    details.position = entry.redriven != nullptr ? entry.redriven->position
                                                 : Position{entry.entry.id, death.index};
    details.cause = death.cause;
    const Reasons* reasons = entry.ReasonsOf(death.index);
    if (reasons != nullptr) details.reasons = *reasons;
    // A rejected attempt has not failed, and was one all the same.
    details.attempts =
        death.cause == DeadLetterCause::kNacked || death.cause == DeadLetterCause::kDeadline
            ? event.failed_attempts
            : event.attempt();
    details.times_delivered = event.times_delivered;
    details.first_delivery_ms = entry.first_delivered_ms;
    details.dead_ms =
        static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(context_->StoreNow()), 0));
    details.redriven = entry.redriven != nullptr ? entry.redriven->redriven + 1 : 0;
    details.instance = context_->incarnation;
    details.subscriber = death.subscriber;
    buried.letters.push_back({death.index, entry.FramesOf(death.index, 1), details.ToJson()});
  }
  return buried;
}

void GroupStream::SendBurials() {
  BuryRequest request{
      *stream_, group_, context_->incarnation, {}, context_->options->letter_bounds};
  Burials burials;
  std::vector<EntryId> ended;
  for (auto place = burials_.begin(); place != burials_.end();) {
    const EntryId id = place->first;
    HeldEntry& entry = *held_.at(id);
    if (entry.burying) {
      ++place;
      continue;
    }
    entry.burying = true;
    Burial& burial = burials.emplace(id, std::move(place->second)).first->second;
    place = burials_.erase(place);
    // It says all that the state record would.
    const auto unsaved = unsaved_.find(id);
    if (unsaved != unsaved_.end()) {
      std::move(unsaved->second.begin(), unsaved->second.end(), std::back_inserter(burial.waiters));
      unsaved_.erase(unsaved);
      entry.unsaved_since = -absl::InfiniteDuration();
    }
    request.entries.push_back(WriteLetters(entry, burial));
    if (request.entries.back().record.empty()) ended.push_back(id);
  }
  if (burials.empty()) return;
  ++writes_under_way_;
  context_->store->Bury(
      std::move(request),
      lifetime_.Guard([this, epoch = epoch_, burials = std::move(burials),
                       ended = std::move(ended)](const absl::StatusOr<BuryResult>& result) mutable {
        --writes_under_way_;
        if (epoch == epoch_) return OnBuried(burials, ended, result);
        // Others have taken over since, unless the store did it all before.
        if (result.ok() && result->entries == burials.size()) return;
        for (const auto& [id, burial] : burials) {
          FailAll(burial.waiters, absl::AbortedError("another instance has taken over"));
        }
      }));
}

void GroupStream::OnBuried(const Burials& burials, const std::vector<EntryId>& ended,
                           const absl::StatusOr<BuryResult>& result) {
  const bool gone = result.status().code() == absl::StatusCode::kNotFound;
  if (!result.ok() && !gone) {
    for (const auto& [id, burial] : burials) {
      FailAll(burial.waiters, result.status());
      held_.at(id)->burying = false;
      Burial& again = burials_[id];
      again.deaths.insert(again.deaths.begin(), burial.deaths.begin(), burial.deaths.end());
    }
    return Pause();
  }
  uint64_t letters = 0;
  for (auto& [id, burial] : burials) {
    // The store skips what is not pending for this incarnation any more: others have it.
    if (result.ok() && result->entries < burials.size()) {
      FailAll(burial.waiters, absl::AbortedError("another instance has taken over"));
    }
    letters += burial.deaths.size();
    HeldEntry& entry = *held_.at(id);
    entry.burying = false;
    for (const Death& death : burial.deaths) {
      Advance(DeliveryInput::kBuried, &entry.events[death.index]);
      entry.troubles.erase(death.index);
    }
    LeaveLines(entry);
    const auto settled = static_cast<uint32_t>(burial.deaths.size());
    entry.dying -= settled;
    if (std::binary_search(ended.begin(), ended.end(), id)) {
      if (fetching_) acked_meanwhile_.insert(id);
      ForgetHeld(id);
      continue;
    }
    if (settled == entry.unsettled) {
      // The others were settled meanwhile.
      NoteSettled(entry, settled, nullptr);
      continue;
    }
    entry.unsettled -= settled;
    if (entry.unsaved()) states_awaited_ = true;
    MaybePark(entry);
  }
  if (result.ok()) context_->events->OnDeadLetters(letters, result->dropped_letters);
  Changed();
}

}  // namespace eventbus
