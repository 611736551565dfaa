// The second half of GroupStream: telling the store what is settled, and letting go.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "server/broker/group_stream.h"

namespace eventbus {
namespace {

// A partly settled entry is written down when it is this old: a crash loses no older settlement.
constexpr absl::Duration kSaveAfter = absl::Seconds(1);
constexpr absl::Duration kSaveInterval = absl::Milliseconds(250);

absl::Status TakenOverError() {
  return absl::AbortedError("another instance has taken over what was to be settled");
}

}  // namespace

// ---- Settling ----

uint32_t GroupStream::Settle(const EntryRun& run, std::shared_ptr<SettleWaiter> waiter) {
  HeldEntry& entry = *run.entry;
  uint32_t settled = 0;
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    const DeliveryPhase before = entry.events[i].phase;
    if (!Advance(DeliveryInput::kAck, &entry.events[i])) continue;
    if (before == DeliveryPhase::kReady) RemoveFromReady(&entry, i);
    if (before == DeliveryPhase::kWaiting) --waiting_events_;
    entry.troubles.erase(i);
    ++settled;
  }
  NoteSettled(entry, settled, std::move(waiter));
  return settled;
}

void GroupStream::NoteSettled(HeldEntry& entry, uint32_t settled,
                              std::shared_ptr<SettleWaiter> waiter) {
  LeaveLines(entry);
  entry.unsettled -= settled;
  if (entry.unsettled == 0) {
    const EntryId id = entry.entry.id;
    // The ack says what its state record would have said.
    const auto unsaved = unsaved_.find(id);
    if (unsaved != unsaved_.end()) {
      ack_waiters_.insert(ack_waiters_.end(), unsaved->second.begin(), unsaved->second.end());
    }
    if (waiter != nullptr) ack_waiters_.push_back(std::move(waiter));
    ForgetHeld(id);
    QueueAck(id);
  } else if (settled > 0) {
    const bool awaited = waiter != nullptr;
    MarkUnsaved(entry, std::move(waiter), awaited);
  }
}

void GroupStream::MarkUnsaved(HeldEntry& entry, std::shared_ptr<SettleWaiter> waiter,
                              bool at_once) {
  if (!entry.unsaved()) entry.unsaved_since = context_->loop->MonotonicNow();
  Waiters& waiters = unsaved_[entry.entry.id];
  if (waiter != nullptr) waiters.push_back(std::move(waiter));
  if (at_once) {
    entry.unsaved_since = -absl::Hours(1);  // Long due.
    states_awaited_ = true;
  }
  Changed();
}

void GroupStream::WriteDown(EntryId id) {
  HeldEntry* const entry = FindHeld(id);
  if (entry != nullptr) MarkUnsaved(*entry, nullptr, /*at_once=*/true);
}

void GroupStream::QueueAck(EntryId id) {
  acks_.push_back(id);
  acking_.insert(id);
  Changed();
}

void GroupStream::Flush() {
  if (!context_->store_up || paused_) return;
  if (!acks_.empty()) SendAcks();
  if (!burials_.empty()) SendBurials();
  const absl::Duration now = context_->loop->MonotonicNow();
  if (!unsaved_.empty() && (states_awaited_ || now - last_save_ >= kSaveInterval)) {
    last_save_ = now;
    SendStates();
  }
  if (!releases_.empty() && !claiming_released_) SendReleases();
}

void GroupStream::SendAcks() {
  ++writes_under_way_;
  std::vector<EntryId> ids = std::exchange(acks_, {});
  context_->store->Ack(*stream_, group_, ids,
                       lifetime_.Guard([this, ids, waiters = std::exchange(ack_waiters_, {})](
                                           const absl::StatusOr<uint64_t>& acked) {
                         --writes_under_way_;
                         const bool gone = acked.status().code() == absl::StatusCode::kNotFound;
                         if (!acked.ok() && !gone) {
                           FailAll(waiters, acked.status());
                           acks_.insert(acks_.end(), ids.begin(), ids.end());
                           return Pause();
                         }
                         for (const EntryId id : ids) {
                           acking_.erase(id);
                           if (fetching_) acked_meanwhile_.insert(id);
                         }
                         Changed();
                       }));
}

void GroupStream::SendStates() {
  const absl::Duration now = context_->loop->MonotonicNow();
  std::vector<EntryState> states;
  std::vector<EntryId> ids;
  Waiters waiters;
  states_awaited_ = false;
  for (auto& [id, waiting] : unsaved_) {
    HeldEntry& entry = *held_.at(id);
    if (entry.burying || now - entry.unsaved_since < kSaveAfter) continue;
    ids.push_back(id);
    states.push_back({id, entry.EncodeState(context_->store_clock)});
    std::move(waiting.begin(), waiting.end(), std::back_inserter(waiters));
    entry.unsaved_since = -absl::InfiniteDuration();
  }
  if (ids.empty()) return;
  for (const EntryId id : ids) unsaved_.erase(id);
  ++writes_under_way_;
  context_->store->WriteStates(*stream_, group_, context_->incarnation, std::move(states),
                               lifetime_.Guard([this, ids, waiters = std::move(waiters)](
                                                   const absl::StatusOr<uint64_t>& written) {
                                 --writes_under_way_;
                                 OnStatesWritten(ids, waiters, written);
                               }));
}

void GroupStream::OnStatesWritten(const std::vector<EntryId>& ids, const Waiters& waiters,
                                  const absl::StatusOr<uint64_t>& written) {
  if (written.ok() || written.status().code() == absl::StatusCode::kNotFound) {
    // The store skips what is not pending for this incarnation any more: others have judged it dead
    // and taken over, and do not know of these settlements.
    if (written.value_or(0) < ids.size()) FailAll(waiters, TakenOverError());
    return Changed();
  }
  FailAll(waiters, written.status());
  for (const EntryId id : ids) {
    HeldEntry* entry = FindHeld(id);
    if (entry == nullptr) continue;
    if (!entry->unsaved()) entry->unsaved_since = context_->loop->MonotonicNow();
    unsaved_.try_emplace(id);
  }
  Pause();
}

void GroupStream::FailAll(const Waiters& waiters, const absl::Status& status) {
  for (const auto& waiter : waiters) waiter->Failed(status);
}

// ---- Leaving ----

void GroupStream::ReleaseIdle() {
  std::vector<EntryId> ids;
  for (const auto& [id, entry] : held_) {
    const auto unsaved = unsaved_.find(id);
    // What somebody waits for is written first: a release does not say whether it came in time.
    const bool awaited = unsaved != unsaved_.end() && !unsaved->second.empty();
    if (entry->in_flight == 0 && entry->dying == 0 && !awaited) ids.push_back(id);
  }
  if (ids.empty()) return;
  if (ordered_) {
    StopDelivering();
    consumers_listed_ = false;
  }
  std::sort(ids.begin(), ids.end());
  absl::flat_hash_set<const HeldEntry*> going;
  for (const EntryId id : ids) {
    const HeldEntry& entry = *held_.at(id);
    going.insert(&entry);
    if (entry.HasHistory())
      release_states_.push_back({id, entry.EncodeState(context_->store_clock)});
  }
  std::erase_if(ready_, [this, &going](const EntryRun& run) {
    if (!going.contains(run.entry)) return false;
    ready_events_ -= run.count;
    return true;
  });
  for (const EntryId id : ids) {
    releases_.push_back(id);
    releasing_.insert(id);
    ForgetHeld(id);
  }
  Changed();
}

void GroupStream::SendReleases() {
  ++writes_under_way_;
  ReleaseRequest request{*stream_, group_, context_->incarnation, std::exchange(releases_, {}),
                         std::exchange(release_states_, {})};
  ReleaseRequest sent = request;
  context_->store->Release(
      std::move(request),
      lifetime_.Guard([this, sent = std::move(sent), epoch = epoch_](const absl::Status& status) {
        --writes_under_way_;
        if (!status.ok() && status.code() != absl::StatusCode::kNotFound) {
          // It may have been done all the same, and what is ours again stays.
          for (const EntryId id : sent.ids) {
            if (epoch == epoch_ && releasing_.contains(id)) releases_.push_back(id);
          }
          for (const EntryState& state : sent.states) {
            if (epoch == epoch_ && releasing_.contains(state.id)) release_states_.push_back(state);
          }
          return Pause();
        }
        for (const EntryId id : sent.ids) releasing_.erase(id);
        Changed();
      }));
}

void GroupStream::CancelRelease(EntryId id) {
  if (releasing_.erase(id) == 0) return;
  std::erase(releases_, id);
  std::erase_if(release_states_, [id](const EntryState& state) { return state.id == id; });
}

void GroupStream::DropAll() {
  ++epoch_;
  fetching_ = false;
  claiming_released_ = false;
  expected_events_ = 0;
  mail_noticed_.clear();
  lost_answer_ = false;
  advanced_ = true;
  missing_.clear();
  acked_meanwhile_.clear();
  ready_.clear();
  ready_events_ = 0;
  for (const auto& [id, waiters] : unsaved_) FailAll(waiters, TakenOverError());
  unsaved_.clear();
  for (const auto& [id, burial] : burials_) FailAll(burial.waiters, TakenOverError());
  burials_.clear();
  due_.clear();
  reread_.clear();
  rereads_under_way_ = 0;
  waiting_events_ = 0;
  for (const auto& [id, entry] : held_) Unpark(*entry);
  held_.clear();
  releases_.clear();
  release_states_.clear();
  releasing_.clear();
  if (ordered_) {
    StopDelivering();
    fence_ = 0;
    lease_wanted_ = true;
    lease_owner_.clear();
    yielding_ = false;
    yield_timer_->Disarm();
    forfeited_ = false;
  }
  Changed();
}

}  // namespace eventbus
