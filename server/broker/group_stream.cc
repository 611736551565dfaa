#include "server/broker/group_stream.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"

namespace eventbus {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(200);
// A partly settled entry is written down when it is this old: a crash loses no older settlement.
constexpr absl::Duration kSaveAfter = absl::Seconds(1);
constexpr absl::Duration kSaveInterval = absl::Milliseconds(250);
constexpr uint32_t kMaxEntriesPerFetch = 512;
constexpr uint32_t kEntriesOfFirstFetch = 16;
constexpr double kMaxBytesPerFetch = 4 << 20;
constexpr uint32_t kPendingPage = 1000;

void Average(double sample, double* average) { *average += (sample - *average) / 16; }

// Goes up at once and down slowly: what it is used for must not be too little.
void UpperAverage(double sample, double* average) {
  *average = std::max(sample, *average + (sample - *average) / 16);
}

absl::Status TakenOverError() {
  return absl::AbortedError("another instance has taken over what was to be settled");
}

}  // namespace

GroupStream::GroupStream(const Context* context, GroupKey group, std::string stream,
                         StreamStart start, std::function<void()> changed)
    : context_(context),
      group_(std::move(group)),
      stream_(std::make_shared<const std::string>(std::move(stream))),
      start_(start),
      changed_(std::move(changed)),
      pause_timer_(context->loop->CreateTimer([this] {
        paused_ = false;
        Changed();
      })) {}

// ---- Taking entries ----

void GroupStream::NoteAdvanced() {
  advanced_ = true;
  Changed();
}

void GroupStream::NoteClaimable(const std::string& consumer) {
  claimable_.insert(consumer);
  Changed();
}

void GroupStream::NoteLostAnswer() {
  lost_answer_ = true;
  Changed();
}

bool GroupStream::WantsToFetch() const {
  return context_->store_up && !fetching_ && !paused_ &&
         (lost_answer_ || !claimable_.empty() || advanced_);
}

uint64_t GroupStream::BytesPerEvent() const {
  return static_cast<uint64_t>(bytes_per_entry_ / events_per_entry_) + 1;
}

uint64_t GroupStream::FetchMore(uint64_t max_events, uint64_t max_bytes) {
  if (!WantsToFetch()) return 0;
  if (lost_answer_) {
    Reconcile();
    return 0;
  }
  const double by_events = std::ceil(static_cast<double>(max_events) / events_per_entry_);
  const double by_bytes =
      std::min(kMaxBytesPerFetch, static_cast<double>(max_bytes)) / bytes_per_entry_;
  const uint32_t most = seen_entries_ ? kMaxEntriesPerFetch : kEntriesOfFirstFetch;
  const auto entries = static_cast<uint32_t>(
      std::clamp(std::min(by_events, by_bytes), 1.0, static_cast<double>(most)));
  expected_events_ = static_cast<uint64_t>(entries * events_per_entry_) + 1;
  if (!claimable_.empty()) {
    const std::string consumer = *claimable_.begin();
    claimable_.erase(claimable_.begin());
    Claim(consumer, entries);
  } else {
    Read(entries);
  }
  return expected_events_;
}

void GroupStream::Read(uint32_t max_entries) {
  fetching_ = true;
  advanced_ = false;
  context_->store->ReadGroup(
      {*stream_, group_, context_->incarnation, max_entries},
      lifetime_.Guard([this, max_entries, epoch = epoch_](absl::StatusOr<ReadGroupResult> result) {
        OnRead(max_entries, epoch, std::move(result));
      }));
}

void GroupStream::OnRead(uint32_t asked, uint64_t epoch, absl::StatusOr<ReadGroupResult> result) {
  if (epoch != epoch_) return;
  fetching_ = false;
  expected_events_ = 0;
  if (!result.ok()) {
    // Not if the stream or group is not there: then there is nothing to read yet, unless something
    // was heard since the store looked.
    if (result.status().code() != absl::StatusCode::kNotFound) advanced_ = true;
    return OnFetchFailed(result.status());
  }
  for (const Entry& entry : result->entries) AddEntry(entry, 1, "");
  if (result->entries.size() >= asked) advanced_ = true;
  Changed();
}

void GroupStream::OnFetchFailed(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kNotFound) return Repair();
  if (IsOutcomeUnknown(status)) lost_answer_ = true;
  Pause();
}

void GroupStream::Claim(const std::string& consumer, uint32_t max_entries) {
  fetching_ = true;
  context_->store->Claim(
      {*stream_, group_, consumer, context_->incarnation, max_entries},
      lifetime_.Guard([this, consumer, epoch = epoch_](absl::StatusOr<ClaimResult> result) {
        OnClaimed(consumer, epoch, std::move(result));
      }));
}

void GroupStream::OnClaimed(const std::string& consumer, uint64_t epoch,
                            absl::StatusOr<ClaimResult> result) {
  if (epoch != epoch_) return;
  fetching_ = false;
  expected_events_ = 0;
  if (!result.ok()) {
    // Without a group nothing is pending.
    if (result.status().code() != absl::StatusCode::kNotFound) claimable_.insert(consumer);
    return OnFetchFailed(result.status());
  }
  for (const ClaimedEntry& claimed : result->entries) {
    AddEntry(claimed.entry, claimed.times_delivered, claimed.record);
  }
  if (!result->entries.empty()) {
    context_->events->OnClaimed(group_.name, consumer, result->entries.size());
  }
  if (result->more) {
    claimable_.insert(consumer);
  } else if (consumer != kReleasedConsumer) {
    // Refused by the store should it hold something again; then it is found by the next look at the
    // consumers.
    context_->store->RemoveConsumer(*stream_, group_, consumer, [](const absl::StatusOr<bool>&) {});
  }
  Changed();
}

void GroupStream::Pause() {
  paused_ = true;
  pause_timer_->Arm(kPause);
}

void GroupStream::Repair() {
  // Somebody deleted the group on the stream, or the whole stream. What was held of it is still
  // delivered.
  fetching_ = true;
  context_->store->CreateGroup({*stream_, group_, start_.after},
                               lifetime_.Guard([this, epoch = epoch_](const absl::Status& status) {
                                 if (epoch != epoch_) return;
                                 fetching_ = false;
                                 // Without a stream there is nothing to read; its next birth says
                                 // so, or has said so meanwhile.
                                 if (status.code() != absl::StatusCode::kNotFound) advanced_ = true;
                                 Pause();
                               }));
}

// ---- Finding entries whose answer was lost ----

void GroupStream::Reconcile() {
  fetching_ = true;
  lost_answer_ = false;
  reconcile_after_ = EntryId::Min();
  missing_.clear();
  acked_meanwhile_.clear();
  ReadPendingPage();
}

void GroupStream::OnPendingPage(uint64_t epoch, absl::StatusOr<std::vector<PendingEntry>> page) {
  if (epoch != epoch_) return;
  if (!page.ok()) {
    if (page.status().code() == absl::StatusCode::kNotFound) return EndReconcile(true);
    return EndReconcile(false);
  }
  for (const PendingEntry& pending : *page) {
    reconcile_after_ = pending.id;
    if (held_.contains(pending.id) || acking_.contains(pending.id) ||
        releasing_.contains(pending.id) || acked_meanwhile_.contains(pending.id)) {
      continue;
    }
    missing_.push_back(pending);
  }
  if (page->size() < kPendingPage) return FetchMissing(epoch);
  ReadPendingPage();
}

void GroupStream::ReadPendingPage() {
  context_->store->ReadPending(
      {*stream_, group_, context_->incarnation, reconcile_after_, kPendingPage},
      lifetime_.Guard([this, epoch = epoch_](absl::StatusOr<std::vector<PendingEntry>> page) {
        OnPendingPage(epoch, std::move(page));
      }));
}

void GroupStream::FetchMissing(uint64_t epoch) {
  if (epoch != epoch_) return;
  if (missing_.empty()) return EndReconcile(true);
  const PendingEntry pending = missing_.front();
  context_->store->ReadRange(
      {*stream_, pending.id, pending.id, 1},
      lifetime_.Guard([this, epoch, pending](absl::StatusOr<std::vector<Entry>> entries) {
        if (epoch != epoch_) return;
        context_->store->ReadStates(
            *stream_, group_, {pending.id},
            lifetime_.Guard([this, epoch, pending, entries = std::move(entries)](
                                absl::StatusOr<std::vector<EntryState>> states) mutable {
              if (epoch != epoch_) return;
              OnMissingFetched(pending, std::move(entries), std::move(states));
            }));
      }));
}

void GroupStream::OnMissingFetched(const PendingEntry& pending,
                                   absl::StatusOr<std::vector<Entry>> entries,
                                   absl::StatusOr<std::vector<EntryState>> states) {
  if (!entries.ok() || !states.ok()) return EndReconcile(false);
  missing_.pop_front();
  if (!acked_meanwhile_.contains(pending.id)) {
    if (entries->empty()) {
      // Retention was faster.
      QueueAck(pending.id);
    } else {
      AddEntry(entries->front(), pending.times_delivered,
               states->empty() ? std::string() : states->front().record);
    }
  }
  FetchMissing(epoch_);
}

void GroupStream::EndReconcile(bool complete) {
  fetching_ = false;
  acked_meanwhile_.clear();
  missing_.clear();
  if (!complete) {
    lost_answer_ = true;
    return Pause();
  }
  Changed();
}

// ---- Holding ----

uint32_t GroupStream::SkippedBeforeStart(EntryId id) const {
  return start_.skip.has_value() && start_.skip->entry == id ? start_.skip->index + 1 : 0;
}

void GroupStream::AddEntry(const Entry& entry, uint64_t times_delivered, absl::string_view record) {
  if (held_.contains(entry.id) || acking_.contains(entry.id)) return;
  auto held = std::make_unique<HeldEntry>();
  held->entry = entry;
  const absl::Status indexed = IndexEvents(entry.value.view(), &held->offsets);
  if (!indexed.ok()) {
    context_->events->OnTrouble(
        absl::StrCat("entry ", entry.id.ToString(), " of stream ", *stream_, " was skipped"),
        indexed);
    return QueueAck(entry.id);
  }
  const auto count = static_cast<uint32_t>(held->offsets.size() - 1);
  held->events.resize(count);
  Average(count, &events_per_entry_);
  UpperAverage(static_cast<double>(entry.value.size()), &bytes_per_entry_);
  seen_entries_ = true;
  for (EventDelivery& event : held->events) {
    event.times_delivered = static_cast<uint32_t>(times_delivered - 1);
  }
  if (!record.empty()) {
    const absl::StatusOr<StateRecord> state = StateRecord::Decode(record);
    if (state.ok() && state->events.size() == count) {
      for (uint32_t i = 0; i < count; ++i) {
        const StateRecord::EventState& event = state->events[i];
        if (event.settled) held->events[i].phase = DeliveryPhase::kSettled;
        held->events[i].failed_attempts = static_cast<uint16_t>(event.failed_attempts);
        held->events[i].crashes = static_cast<uint8_t>(event.crashes);
      }
    } else {
      context_->events->OnTrouble(absl::StrCat("state record of entry ", entry.id.ToString(),
                                               " of stream ", *stream_, " was ignored"),
                                  state.status());
    }
  }
  const uint32_t skipped = std::min(SkippedBeforeStart(entry.id), count);
  for (uint32_t i = 0; i < skipped; ++i) Advance(DeliveryInput::kAck, &held->events[i]);
  for (const EventDelivery& event : held->events) {
    if (event.phase != DeliveryPhase::kSettled) ++held->unsettled;
  }
  if (held->unsettled == 0) return QueueAck(entry.id);
  for (const EntryRun& run : RunsIn(*held, DeliveryPhase::kReady, 0, count)) {
    ready_.push_back(run);
    ready_events_ += run.count;
  }
  held_.emplace(entry.id, std::move(held));
}

void GroupStream::TakeReady(uint32_t count) {
  EntryRun& front = ready_.front();
  ready_events_ -= count;
  front.first += count;
  front.count -= count;
  if (front.count == 0) ready_.pop_front();
}

void GroupStream::PutBack(const std::vector<EntryRun>& runs) {
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    ready_.push_front(*run);
    ready_events_ += run->count;
  }
  if (!runs.empty()) Changed();
}

void GroupStream::RemoveFromReady(const HeldEntry* entry, uint32_t index) {
  for (auto run = ready_.begin(); run != ready_.end(); ++run) {
    if (run->entry != entry || index < run->first || index >= run->first + run->count) continue;
    --ready_events_;
    const EntryRun before = {run->entry, run->first, index - run->first};
    const EntryRun after = {run->entry, index + 1, run->first + run->count - index - 1};
    auto place = ready_.erase(run);
    if (after.count > 0) place = ready_.insert(place, after);
    if (before.count > 0) ready_.insert(place, before);
    return;
  }
}

HeldEntry* GroupStream::FindHeld(EntryId id) {
  const auto found = held_.find(id);
  return found == held_.end() ? nullptr : found->second.get();
}

void GroupStream::ForgetHeld(EntryId id) {
  unsaved_.erase(id);
  held_.erase(id);
}

// ---- Settling ----

uint32_t GroupStream::Settle(const EntryRun& run, std::shared_ptr<SettleWaiter> waiter) {
  HeldEntry& entry = *run.entry;
  uint32_t settled = 0;
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    const bool was_ready = entry.events[i].phase == DeliveryPhase::kReady;
    if (!Advance(DeliveryInput::kAck, &entry.events[i])) continue;
    if (was_ready) RemoveFromReady(&entry, i);
    ++settled;
  }
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
    if (!entry.unsaved()) entry.unsaved_since = context_->loop->MonotonicNow();
    Waiters& waiters = unsaved_[entry.entry.id];
    if (waiter != nullptr) {
      waiters.push_back(std::move(waiter));
      entry.unsaved_since = -absl::Hours(1);  // Long due.
      states_awaited_ = true;
    }
    Changed();
  }
  return settled;
}

void GroupStream::QueueAck(EntryId id) {
  acks_.push_back(id);
  acking_.insert(id);
  Changed();
}

void GroupStream::Flush() {
  if (!context_->store_up || paused_) return;
  if (!acks_.empty()) SendAcks();
  const absl::Duration now = context_->loop->MonotonicNow();
  if (!unsaved_.empty() && (states_awaited_ || now - last_save_ >= kSaveInterval)) {
    last_save_ = now;
    SendStates();
  }
  if (!releases_.empty()) SendReleases();
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
    if (now - entry.unsaved_since < kSaveAfter) continue;
    ids.push_back(id);
    states.push_back({id, entry.EncodeState()});
    std::move(waiting.begin(), waiting.end(), std::back_inserter(waiters));
    entry.unsaved_since = -absl::InfiniteDuration();
  }
  if (ids.empty()) return;
  for (const EntryId id : ids) unsaved_.erase(id);
  ++writes_under_way_;
  context_->store->WriteStates(
      *stream_, group_, context_->incarnation, std::move(states),
      lifetime_.Guard([this, ids, waiters = std::move(waiters)](
                          const absl::StatusOr<uint64_t>& written) mutable {
        --writes_under_way_;
        OnStatesWritten(ids, std::move(waiters), written);
      }));
}

void GroupStream::OnStatesWritten(const std::vector<EntryId>& ids, Waiters waiters,
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
    if (entry->in_flight == 0 && !awaited) ids.push_back(id);
  }
  if (ids.empty()) return;
  std::sort(ids.begin(), ids.end());
  absl::flat_hash_set<const HeldEntry*> going;
  for (const EntryId id : ids) {
    const HeldEntry& entry = *held_.at(id);
    going.insert(&entry);
    const bool told =
        std::any_of(entry.events.begin(), entry.events.end(), [](const EventDelivery& event) {
          return event.phase == DeliveryPhase::kSettled || event.failed_attempts > 0 ||
                 event.crashes > 0;
        });
    if (told) release_states_.push_back({id, entry.EncodeState()});
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
          if (epoch == epoch_) {
            releases_.insert(releases_.end(), sent.ids.begin(), sent.ids.end());
            release_states_.insert(release_states_.end(), sent.states.begin(), sent.states.end());
          }
          return Pause();
        }
        for (const EntryId id : sent.ids) releasing_.erase(id);
        Changed();
      }));
}

void GroupStream::DropAll() {
  ++epoch_;
  fetching_ = false;
  expected_events_ = 0;
  lost_answer_ = false;
  advanced_ = true;
  missing_.clear();
  acked_meanwhile_.clear();
  ready_.clear();
  ready_events_ = 0;
  for (const auto& [id, waiters] : unsaved_) FailAll(waiters, TakenOverError());
  unsaved_.clear();
  held_.clear();
  releases_.clear();
  release_states_.clear();
  releasing_.clear();
  Changed();
}

bool GroupStream::idle() const {
  return held_.empty() && acking_.empty() && releasing_.empty() && !fetching_ && !lost_answer_ &&
         writes_under_way_ == 0;
}

}  // namespace eventbus
