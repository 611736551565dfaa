// The part of GroupStream for ordered groups: owning the stream, and letting go one event of each
// ordering key at a time.
//
// Who owns the stream has a lease with a fence, which the store checks with every read and claim.
// Whenever the lease is got, anew or again, all that is pending of the group is gathered, from
// whomever had it, before anything is delivered or read: what was handed out before comes before
// what is new.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "server/broker/group_stream.h"
#include "server/broker/ordering_key.h"

namespace eventbus {
namespace {

constexpr uint32_t kEntriesPerClaim = 256;
constexpr uint64_t kMostWaitingBytes = uint64_t{16} << 20;
// A busy stream is not held up for longer to hand it over.
constexpr absl::Duration kYieldTime = absl::Seconds(1);
// And not again soon if that was in vain.
constexpr absl::Duration kAfterVainYield = absl::Minutes(1);

}  // namespace

void GroupStream::TendLease() {
  if (!ordered_ || !context_->store_up || fetching_ || paused_ || yielding_) return;
  // Also when an answer is lost: with another fence, a read that the store serves late takes
  // nothing.
  if (lost_answer_ || lease_wanted_) return AcquireLease();
  if (fence_ == 0 || gathered_) return;
  if (!reconciled_) return Reconcile();
  if (!consumers_listed_) return ListOthers();
  if (!claimable_.empty()) {
    const std::string consumer = *claimable_.begin();
    claimable_.erase(claimable_.begin());
    return Claim(consumer, kEntriesPerClaim);
  }
  gathered_ = true;
  LineUpAll();
}

void GroupStream::AcquireLease() {
  fetching_ = true;
  lease_wanted_ = false;
  lost_answer_ = false;
  // Nothing is read until all is gathered again; what was let go already may still go.
  gathered_ = false;
  context_->store->AcquireLease(
      {*stream_, group_.name, context_->incarnation, gone_owner_},
      lifetime_.Guard([this, epoch = epoch_](const absl::StatusOr<LeaseResult>& lease) {
        if (epoch == epoch_) OnLease(lease);
      }));
}

void GroupStream::OnLease(const absl::StatusOr<LeaseResult>& lease) {
  EndFetch();
  if (!lease.ok()) {
    if (lease.status().code() == absl::StatusCode::kNotFound) {
      // Its birth says when there is something to own.
      lease_known_ = true;
      absent_ = true;
      return Changed();
    }
    lease_wanted_ = true;
    if (IsOutcomeUnknown(lease.status())) perhaps_owner_ = true;
    return Pause();
  }
  lease_known_ = true;
  perhaps_owner_ = false;
  lease_owner_ = lease->owner;
  StopDelivering();
  reconciled_ = false;
  consumers_listed_ = false;
  if (lease->owner == context_->incarnation) {
    fence_ = lease->fence;
    advanced_ = true;
  } else {
    fence_ = 0;
    // Whoever owns it now has taken what was pending here.
    forfeited_ = !held_.empty();
  }
  Changed();
}

void GroupStream::ListOthers() {
  fetching_ = true;
  context_->store->ListConsumers(
      *stream_, group_,
      lifetime_.Guard(
          [this, epoch = epoch_](const absl::StatusOr<std::vector<ConsumerInfo>>& consumers) {
            if (epoch != epoch_) return;
            EndFetch();
            if (!consumers.ok()) return OnFetchFailed(consumers.status());
            consumers_listed_ = true;
            claimable_.clear();
            for (const ConsumerInfo& consumer : *consumers) {
              if (consumer.pending > 0 && consumer.name != context_->incarnation) {
                claimable_.insert(consumer.name);
              }
            }
            Changed();
          }));
}

void GroupStream::LookForLease(const std::string& consumer) {
  if (consumer != kReleasedConsumer) gone_owner_ = consumer;
  // The owner asks too: it should find nothing left there, and if it does, order needs a fresh look
  // at everything.
  lease_wanted_ = true;
  Changed();
}

bool GroupStream::MayReadAhead() const {
  return lines_.waiting() < context_->options->max_key_lines_events &&
         lines_.waiting() * BytesPerEvent() < kMostWaitingBytes;
}

void GroupStream::StopDelivering() {
  gathered_ = false;
  ready_.clear();
  ready_events_ = 0;
  lines_.Clear();
}

void GroupStream::NoteKeys(HeldEntry& entry) const {
  entry.keys.resize(entry.size());
  for (uint32_t i = 0; i < entry.size(); ++i) {
    const absl::string_view key =
        OrderingKeyOf(entry.FramesOf(i, 1).view(), context_->options->default_source);
    if (key.empty()) continue;
    entry.keys[i] = std::max<uint64_t>(absl::HashOf(key), 1);
  }
}

void GroupStream::LineUpAll() {
  ready_.clear();
  ready_events_ = 0;
  lines_.Clear();
  std::vector<HeldEntry*> entries;
  entries.reserve(held_.size());
  for (const auto& [id, entry] : held_) entries.push_back(entry.get());
  std::sort(entries.begin(), entries.end(),
            [](const HeldEntry* a, const HeldEntry* b) { return a->entry.id < b->entry.id; });
  for (HeldEntry* entry : entries) LineUp(*entry);
  Changed();
}

void GroupStream::LineUp(HeldEntry& entry) {
  std::vector<EntryRun> ready;
  for (uint32_t i = 0; i < entry.size(); ++i) {
    const DeliveryPhase phase = entry.events[i].phase;
    if (phase == DeliveryPhase::kSettled) continue;
    const uint64_t key = entry.keys[i];
    const bool first = key == 0 || lines_.Add(key, {entry.entry.id, i});
    if (first && phase == DeliveryPhase::kReady) AddToRuns(entry, i, &ready);
  }
  for (const EntryRun& run : ready) {
    ready_.push_back(run);
    ready_events_ += run.count;
  }
}

bool GroupStream::MayGo(const HeldEntry& entry, uint32_t index) const {
  if (!ordered_) return true;
  if (!gathered_) return false;
  const uint64_t key = entry.keys[index];
  return key == 0 || lines_.IsFirst(key, {entry.entry.id, index});
}

void GroupStream::LeaveLines(HeldEntry& entry) {
  if (!ordered_) return;
  for (uint32_t i = 0; i < entry.size(); ++i) {
    if (entry.events[i].phase != DeliveryPhase::kSettled || entry.keys[i] == 0) continue;
    LeaveLine(entry, i);
  }
}

void GroupStream::LeaveLine(HeldEntry& entry, uint32_t index) {
  const uint64_t key = std::exchange(entry.keys[index], 0);
  const std::optional<KeyLines::Place> next = lines_.Remove(key, {entry.entry.id, index});
  if (!next.has_value()) return;
  HeldEntry* const other = FindHeld(next->entry);
  if (other == nullptr || other->events[next->index].phase != DeliveryPhase::kReady) return;
  ready_.push_back({other, next->index, 1});
  ++ready_events_;
  Changed();
}

void GroupStream::YieldLease() {
  if (!ordered_ || fence_ == 0 || yielding_ || !gathered_) return;
  if (context_->loop->MonotonicNow() < no_yield_before_) return;
  yielding_ = true;
  StopDelivering();
  yield_timer_->Arm(kYieldTime);
  Changed();
}

void GroupStream::EndYield() {
  yielding_ = false;
  no_yield_before_ = context_->loop->MonotonicNow() + kAfterVainYield;
  // Gathers anew if it is still ours.
  reconciled_ = false;
  consumers_listed_ = false;
  Changed();
}

void GroupStream::TendYield() {
  if (!yielding_ || !context_->store_up) return;
  for (const auto& [id, entry] : held_) {
    if (entry->in_flight > 0) return;
  }
  ReleaseIdle();
  Flush();
  GiveBackLease();
}

void GroupStream::GiveBackLease() {
  if (!ordered_ || fetching_) return;
  if (fence_ == 0 && !perhaps_owner_) {
    // What a lost answer has left pending here, the next owner finds.
    lost_answer_ = false;
    return;
  }
  if (!context_->store_up || paused_) return;
  const bool clear = held_.empty() && acking_.empty() && releasing_.empty() && burials_.empty() &&
                     writes_under_way_ == 0;
  if (!clear) return;
  lost_answer_ = false;
  StopDelivering();
  fetching_ = true;
  context_->store->ReleaseLease(*stream_, group_, context_->incarnation,
                                lifetime_.Guard([this, epoch = epoch_](const absl::Status& status) {
                                  if (epoch != epoch_) return;
                                  EndFetch();
                                  const bool gone = status.code() == absl::StatusCode::kNotFound;
                                  if (!status.ok() && !gone) return Pause();
                                  fence_ = 0;
                                  perhaps_owner_ = false;
                                  lease_owner_.clear();
                                  yielding_ = false;
                                  yield_timer_->Disarm();
                                  Changed();
                                }));
}

}  // namespace eventbus
