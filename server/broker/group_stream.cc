#include "server/broker/group_stream.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_reader.h"
#include "server/broker/retry_policy.h"

namespace eventbus {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(200);
constexpr uint32_t kMaxEntriesPerFetch = 512;
constexpr uint32_t kEntriesOfFirstFetch = 16;
constexpr double kMaxBytesPerFetch = 4 << 20;
constexpr uint32_t kPendingPage = 1000;
// A filter may want nothing of what is read: a fetch is not made larger than this allows.
constexpr double kLeastWantedShare = 1.0 / kMaxEntriesPerFetch;
// More than clocks differ.
constexpr absl::Duration kClockMargin = absl::Minutes(1);

void Average(double sample, double* average) { *average += (sample - *average) / 16; }

// Goes up at once and down slowly: what it is used for must not be too little.
void UpperAverage(double sample, double* average) {
  *average = std::max(sample, *average + (sample - *average) / 16);
}

}  // namespace

GroupStream::GroupStream(const Context* context, const GroupPolicy* policy, GroupKey group,
                         std::string stream, std::string origin, StreamStart start,
                         std::function<void()> changed)
    : context_(context),
      group_(std::move(group)),
      policy_(policy),
      stream_(std::make_shared<const std::string>(std::move(stream))),
      origin_(std::make_shared<const std::string>(std::move(origin))),
      start_(start),
      served_since_{static_cast<uint64_t>(std::max<int64_t>(
                        absl::ToUnixMillis(context->loop->WallNow() - kClockMargin), 0)),
                    0},
      changed_(std::move(changed)),
      retry_timer_(context->loop->CreateTimer([this] { RetriesDue(); })),
      // Redriven events are behind the others of their keys anyway.
      ordered_(policy->ordered && !IsSideStream(*stream_)),
      yield_timer_(context->loop->CreateTimer([this] { EndYield(); })),
      pause_timer_(context->loop->CreateTimer([this] {
        paused_ = false;
        Changed();
      })) {}

// ---- Taking entries ----

void GroupStream::NoteAdvanced() {
  advanced_ = true;
  if (std::exchange(absent_, false)) lease_wanted_ = true;
  Changed();
}

void GroupStream::NoteClaimable(const std::string& consumer) {
  if (ordered_) return LookForLease(consumer);
  claimable_.insert(consumer);
  Changed();
}

void GroupStream::NoteLostAnswer() {
  lost_answer_ = true;
  Changed();
}

void GroupStream::NoteMail(EntryId id) {
  if (fetching_) {
    mail_noticed_.insert(id);
  } else {
    // Done with, given back, or still to be found in the pending list: then the store keeps it.
    context_->store->DropMail(*stream_, group_, context_->incarnation, {id});
  }
}

GroupStream::Noticed GroupStream::EndFetch() {
  fetching_ = false;
  expected_events_ = 0;
  Noticed noticed = std::exchange(mail_noticed_, {});
  // That of entries that are done with.
  if (!noticed.empty()) {
    context_->store->DropMail(*stream_, group_, context_->incarnation,
                              {noticed.begin(), noticed.end()});
  }
  return noticed;
}

bool GroupStream::WantsToFetch() const {
  if (!context_->store_up || fetching_ || paused_) return false;
  if (ordered_) return gathered_ && (!reread_.empty() || (advanced_ && MayReadAhead()));
  return (lost_answer_ || !reread_.empty() || !claimable_.empty() || advanced_);
}

uint64_t GroupStream::BytesPerEvent() const {
  return static_cast<uint64_t>(bytes_per_entry_ / events_per_entry_) + 1;
}

uint64_t GroupStream::FetchMore(uint64_t max_events, uint64_t max_bytes) {
  if (!WantsToFetch()) return 0;
  if (lost_answer_ && !ordered_) {
    Reconcile();
    return 0;
  }
  const double wanted_per_entry = events_per_entry_ * wanted_share_;
  const double by_events = std::ceil(static_cast<double>(max_events) / wanted_per_entry);
  const double by_bytes =
      std::min(kMaxBytesPerFetch, static_cast<double>(max_bytes)) / bytes_per_entry_;
  const uint32_t most = seen_entries_ ? kMaxEntriesPerFetch : kEntriesOfFirstFetch;
  const auto entries = static_cast<uint32_t>(
      std::clamp(std::min(by_events, by_bytes), 1.0, static_cast<double>(most)));
  expected_events_ = static_cast<uint64_t>(entries * wanted_per_entry) + 1;
  // What was read once goes before what is new.
  if (!reread_.empty()) {
    Reread(entries);
  } else if (!claimable_.empty() && !ordered_) {
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
      {*stream_, group_, context_->incarnation, max_entries, fence_},
      lifetime_.Guard([this, max_entries, epoch = epoch_](absl::StatusOr<ReadGroupResult> result) {
        OnRead(max_entries, epoch, std::move(result));
      }));
}

void GroupStream::OnRead(uint32_t asked, uint64_t epoch, absl::StatusOr<ReadGroupResult> result) {
  if (epoch != epoch_) return;
  const Noticed noticed = EndFetch();
  if (!result.ok()) {
    // Not if the stream or group is not there: then there is nothing to read yet, unless something
    // was heard since the store looked.
    if (result.status().code() != absl::StatusCode::kNotFound) advanced_ = true;
    return OnFetchFailed(result.status());
  }
  for (const Entry& entry : result->entries) TakeIn(entry, 1, {}, noticed);
  if (result->entries.size() >= asked) advanced_ = true;
  Changed();
}

void GroupStream::OnFetchFailed(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kNotFound) return Repair();
  if (ordered_ && status.code() == absl::StatusCode::kFailedPrecondition) {
    // Somebody else has the lease, or a server that does not know of ours.
    lease_wanted_ = true;
    return Changed();
  }
  if (IsOutcomeUnknown(status)) lost_answer_ = true;
  Pause();
}

void GroupStream::Claim(const std::string& consumer, uint32_t max_entries) {
  fetching_ = true;
  claiming_released_ = consumer == kReleasedConsumer;
  context_->store->Claim(
      {*stream_, group_, consumer, context_->incarnation, max_entries, fence_},
      lifetime_.Guard([this, consumer, epoch = epoch_](absl::StatusOr<ClaimResult> result) {
        OnClaimed(consumer, epoch, std::move(result));
      }));
}

void GroupStream::OnClaimed(const std::string& consumer, uint64_t epoch,
                            absl::StatusOr<ClaimResult> result) {
  if (epoch != epoch_) return;
  const Noticed noticed = EndFetch();
  claiming_released_ = false;
  if (!result.ok()) {
    // Without a group nothing is pending.
    if (result.status().code() != absl::StatusCode::kNotFound) claimable_.insert(consumer);
    return OnFetchFailed(result.status());
  }
  for (const ClaimedEntry& claimed : result->entries) {
    TakeIn(claimed.entry, claimed.times_delivered, {claimed.entry.id, claimed.record, claimed.mail},
           noticed);
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
  // Somebody deleted the group on the stream, or the whole stream, or a failover lost it. What was
  // held of it is still delivered.
  fetching_ = true;
  context_->store->GetStreamInfo(
      *stream_, lifetime_.Guard([this, epoch = epoch_](const absl::StatusOr<StreamInfo>& info) {
        if (epoch != epoch_) return;
        if (!info.ok()) return OnRepaired(info.status());
        // Never behind the stream's end: the server may be another one, whose ids go on from there.
        const EntryId after = std::min(start_.after.value_or(served_since_), info->last);
        context_->store->CreateGroup({*stream_, group_, after},
                                     lifetime_.Guard([this, epoch](const absl::Status& status) {
                                       if (epoch == epoch_) OnRepaired(status);
                                     }));
      }));
}

void GroupStream::OnRepaired(const absl::Status& status) {
  EndFetch();
  // Without a stream there is nothing to read; its next birth says so, or has said so meanwhile.
  if (status.code() == absl::StatusCode::kNotFound) return Changed();
  advanced_ = true;
  Pause();
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
  // Mail that came after they were read: once more.
  if (mail_noticed_.erase(pending.id) > 0) return FetchMissing(epoch_);
  missing_.pop_front();
  if (acked_meanwhile_.contains(pending.id)) {
    context_->store->DropMail(*stream_, group_, context_->incarnation, {pending.id});
  } else {
    if (entries->empty()) {
      // Retention was faster.
      QueueAck(pending.id);
    } else {
      AddEntry(entries->front(), pending.times_delivered,
               states->empty() ? EntryState() : states->front());
    }
  }
  FetchMissing(epoch_);
}

void GroupStream::EndReconcile(bool complete) {
  EndFetch();
  acked_meanwhile_.clear();
  missing_.clear();
  if (!complete) {
    lost_answer_ = true;
    return Pause();
  }
  reconciled_ = true;
  Changed();
}

// ---- Holding ----

uint32_t GroupStream::SkippedBeforeStart(EntryId id) const {
  return start_.skip.has_value() && start_.skip->entry == id ? start_.skip->index + 1 : 0;
}

void GroupStream::TakeIn(const Entry& entry, uint64_t times_delivered, const EntryState& state,
                         const Noticed& noticed) {
  if (noticed.contains(entry.id)) return NoteLostAnswer();
  AddEntry(entry, times_delivered, state);
}

void GroupStream::AddEntry(const Entry& entry, uint64_t times_delivered, const EntryState& state) {
  if (held_.contains(entry.id) || acking_.contains(entry.id)) return;
  last_progress_ = context_->loop->MonotonicNow();
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
  const absl::Duration now = context_->loop->MonotonicNow();
  if (!state.record.empty() && !held->DecodeState(state.record, context_->store_clock, now)) {
    context_->events->OnTrouble(absl::StrCat("state record of entry ", entry.id.ToString(),
                                             " of stream ", *stream_, " was ignored"),
                                absl::DataLossError("malformed, or of another entry"));
  }
  if (!entry.note.empty()) {
    absl::StatusOr<DeadLetterDetails> details = DeadLetterDetails::FromJson(entry.note);
    if (details.ok()) {
      held->redriven = std::make_unique<const DeadLetterDetails>(*std::move(details));
    } else {
      context_->events->OnTrouble(absl::StrCat("note of entry ", entry.id.ToString(), " of stream ",
                                               *stream_, " was ignored"),
                                  details.status());
    }
  }
  uint64_t acked_elsewhere = 0;
  const std::vector<MailedSettle> failed_elsewhere = held->ObeyMail(state.mail, &acked_elsewhere);
  if (acked_elsewhere > 0) context_->events->OnAcked(acked_elsewhere);
  const uint32_t skipped = std::min(SkippedBeforeStart(entry.id), count);
  for (uint32_t i = 0; i < skipped; ++i) Advance(DeliveryInput::kAck, &held->events[i]);
  if (policy_->filter.empty()) {
    wanted_share_ = 1;
  } else {
    const uint32_t filtered = held->SettleUnwanted(policy_->filter);
    if (filtered > 0) context_->events->OnFilteredOut(filtered);
    Average(1 - static_cast<double>(filtered) / count, &wanted_share_);
    wanted_share_ = std::max(wanted_share_, kLeastWantedShare);
  }
  DropExpired(*held);
  for (const EventDelivery& event : held->events) {
    if (event.phase != DeliveryPhase::kSettled) ++held->unsettled;
  }
  if (held->unsettled == 0) return QueueAck(entry.id);
  CancelRelease(entry.id);
  HeldEntry& added = *held_.emplace(entry.id, std::move(held)).first->second;
  if (ordered_) NoteKeys(added);
  uint32_t dropped = 0;
  for (uint32_t i = 0; i < count; ++i) {
    EventDelivery& event = added.events[i];
    if (event.phase == DeliveryPhase::kWaiting) {
      WaitForRetry(added, i, added.troubles[i].due);
    } else if (event.phase == DeliveryPhase::kReady &&
               AttemptsUsedUp(*policy_, event.failed_attempts)) {
      // Whoever had it died before its letter was written.
      Advance(DeliveryInput::kGiveUp, &event);
      dropped += Bury(added, {i, DeadLetterCause::kNacked, ""});
    }
  }
  if (!ordered_) {
    for (const EntryRun& run : RunsIn(added, DeliveryPhase::kReady, 0, count)) {
      ready_.push_back(run);
      ready_events_ += run.count;
    }
  } else if (gathered_) {
    LineUp(added);
  }
  if (dropped > 0) {
    NoteFailed(added, dropped, nullptr);
  } else {
    MaybePark(added);
  }
  FailByMail(entry.id, failed_elsewhere);
}

void GroupStream::FailByMail(EntryId id, const std::vector<MailedSettle>& failed) {
  for (const MailedSettle& settle : failed) {
    HeldEntry* const entry = FindHeld(id);
    // It may have expired, or be one that the group's filter does not want.
    if (entry == nullptr || entry->events[settle.index].phase != DeliveryPhase::kInFlight) continue;
    const EntryRun run = {entry, settle.index, 1};
    if (settle.action.kind == SettleAction::Kind::kReject) {
      context_->events->OnRejected(1);
      Reject(run, settle.action.reason, "", nullptr);
    } else {
      context_->events->OnNacked(1);
      Fail(run, {DeadLetterCause::kNacked, settle.action.duration, settle.action.reason, ""},
           nullptr);
    }
  }
}

void GroupStream::TakeReady(uint32_t count) {
  last_progress_ = context_->loop->MonotonicNow();
  EntryRun& front = ready_.front();
  ready_events_ -= count;
  front.first += count;
  front.count -= count;
  if (front.count == 0) ready_.pop_front();
}

void GroupStream::PutBack(const std::vector<EntryRun>& runs) {
  // They are found when all is lined up.
  if (ordered_ && !gathered_) return Changed();
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

std::vector<EntryId> GroupStream::HeldIds() const {
  std::vector<EntryId> ids;
  ids.reserve(held_.size());
  for (const auto& [id, entry] : held_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

void GroupStream::ForgetHeld(EntryId id) {
  unsaved_.erase(id);
  const auto held = held_.find(id);
  if (held == held_.end()) return;
  HeldEntry& entry = *held->second;
  for (const auto& [index, trouble] : entry.troubles) {
    if (entry.events[index].phase == DeliveryPhase::kWaiting) --waiting_events_;
  }
  Unpark(entry);
  if (ordered_) {
    for (EventDelivery& event : entry.events) event.phase = DeliveryPhase::kSettled;
    LeaveLines(entry);
  }
  held_.erase(held);
}

bool GroupStream::idle() const {
  return held_.empty() && acking_.empty() && releasing_.empty() && burials_.empty() && !fetching_ &&
         !lost_answer_ && writes_under_way_ == 0 && !owns() && !perhaps_owner_;
}

}  // namespace eventbus
