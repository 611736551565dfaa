#ifndef EVENTBUS_SERVER_BROKER_GROUP_STREAM_H_
#define EVENTBUS_SERVER_BROKER_GROUP_STREAM_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "server/broker/context.h"
#include "server/broker/dead_letter.h"
#include "server/broker/group_definition.h"
#include "server/broker/held_entry.h"
#include "server/broker/key_lines.h"
#include "server/broker/lifetime.h"
#include "server/store/stream_store.h"

namespace eventbus {

// Answers once the store has the settlements it waits for: OK, or the error of the last failure.
class SettleWaiter;

// GroupStream is one stream of one group on this instance: it takes entries from the store (new
// ones, and those that others left), holds them while their events are delivered, and tells the
// store what is settled.
//
// All writes to the store are retried until they are done, since each is harmless to repeat. What
// was read and whose answer was lost is found again in the pending list (storage: a lost reply
// leaves entries pending of which nobody knows).
//
// Owned by its Group. Loop thread only.
class GroupStream {
 public:
  // `origin`: the stream in which subscribers see the events; the same as `stream` but for a side
  // stream. `policy` (not owned) may change. `changed` is called when the group should take another
  // turn: events became ready, a write is due.
  GroupStream(const Context* context, const GroupPolicy* policy, GroupKey group, std::string stream,
              std::string origin, StreamStart start, std::function<void()> changed);

  const std::string& stream() const { return *stream_; }
  const std::shared_ptr<const std::string>& shared_stream() const { return stream_; }
  const std::shared_ptr<const std::string>& origin() const { return origin_; }
  const GroupKey& group() const { return group_; }

  // ---- Taking entries ----

  // Something was appended, or may have been.
  void NoteAdvanced();
  // Entries may wait to be taken over from this consumer.
  void NoteClaimable(const std::string& consumer);
  // A read's or claim's outcome is unknown: look into the pending list.
  void NoteLostAnswer();
  // There is mail for an entry that is not held: it may be on its way here.
  void NoteMail(EntryId id);
  // The store has been asked for entries, which come with what it knows of them by then.
  bool fetching() const { return fetching_; }
  // Whether FetchMore would ask the store for something.
  bool WantsToFetch() const;
  // The same, of entries that are held already and whose values are wanted again for a retry.
  bool WantsToReread() const {
    return context_->store_up && !fetching_ && !paused_ && !reread_.empty();
  }
  // Asks for up to about this much, at least one entry. Answers how many events it expects.
  uint64_t FetchMore(uint64_t max_events, uint64_t max_bytes);
  uint64_t expected_events() const { return expected_events_; }
  // About how large an event is, from the entries seen lately, the large ones counting more.
  uint64_t BytesPerEvent() const;

  // ---- Owning the stream, in an ordered group (group_stream_ordered.cc) ----

  // Events of one ordering key go out one after the other, from the one instance that owns the
  // stream.
  bool ordered() const { return ordered_; }
  bool owns() const { return fence_ > 0; }
  // The store has said who owns it.
  bool lease_known() const { return lease_known_; }
  // The incarnation that owns it; empty: nobody, as far as is known.
  const std::string& lease_owner() const { return lease_owner_; }
  // It is owned, or may be, and what is pending is still being gathered.
  bool gathering() const {
    return ordered_ && !yielding_ && (!lease_known_ || (owns() && !gathered_));
  }
  // The next step to get the lease and all that is pending. For groups with members here.
  void TendLease();
  // Another instance would like to have it: gives it back soon, unless that would hold up too much.
  void YieldLease();
  // Goes on with that.
  void TendYield();
  // Gives it back if nothing is held any more.
  void GiveBackLease();
  // It has become another instance's, unnoticed: the members have lost what they have of it, and
  // DropAll is due.
  bool forfeited() const { return forfeited_; }

  // ---- Delivering ----

  bool has_ready() const { return !ready_.empty(); }
  // Some event is in flight, waits for its retry or for others of its key, or is being settled.
  bool holds_any() const { return !held_.empty(); }
  // When an entry was taken or an event handed to a member last, by the monotonic clock.
  absl::Duration last_progress() const { return last_progress_; }
  uint64_t ready_events() const { return ready_events_; }
  // Events that wait for their retries.
  uint64_t waiting_events() const { return waiting_events_; }
  const EntryRun& NextReady() const { return ready_.front(); }
  // Settles those of the next ready events that have expired meanwhile.
  void DropExpiredReady();
  // The first `count` events of NextReady have become somebody's.
  void TakeReady(uint32_t count);
  // Events that are ready again. `runs` in order; they go before all others.
  void PutBack(const std::vector<EntryRun>& runs);

  // ---- Settling ----

  // Events that were in flight or ready are done with. Answers how many were not settled before.
  uint32_t Settle(const EntryRun& run, std::shared_ptr<SettleWaiter> waiter);
  // Attempts that have failed; the events come again after a delay, or become dead letters.
  struct Failure {
    // kNacked or kDeadline: what the dead letter says if it was the last attempt.
    DeadLetterCause cause = DeadLetterCause::kNacked;
    // Nullopt: as the policy says.
    std::optional<absl::Duration> delay;
    std::string reason;
    // Who had the events.
    std::string subscriber;
  };
  // The events were in flight, and are taken away from their member.
  void Fail(const EntryRun& run, const Failure& failure, std::shared_ptr<SettleWaiter> waiter);
  void Reject(const EntryRun& run, const std::string& reason, const std::string& subscriber,
              std::shared_ptr<SettleWaiter> waiter);
  // The stream of the member broke. The events are ready again at once, or dead letters.
  void Crash(const EntryRun& run, const std::string& subscriber);
  // Mail of the entry was refused, which nobody who takes it over must obey: its state record is
  // due at once, if it is still held.
  void WriteDown(EntryId id);
  // Null if this instance does not hold it.
  HeldEntry* FindHeld(EntryId id);
  std::vector<EntryId> HeldIds() const;
  bool IsBeingAcked(EntryId id) const { return acking_.contains(id); }
  // Writes what is due: acks, state records older than a second, releases.
  void Flush();
  // Some entry's settled events are known here only; Flush should be called again within half a
  // second.
  bool has_unsaved() const { return !unsaved_.empty(); }

  // ---- Leaving ----

  // Gives back to the other instances all entries nothing of which is in flight.
  void ReleaseIdle();
  // Others have taken over: forgets everything without telling the store. No member may hold
  // anything.
  void DropAll();
  // Nothing is held and no answer is awaited.
  bool idle() const;
  bool lost_answer() const { return lost_answer_; }
  // Whether more is pending for this instance, by the store's count, than it knows of.
  bool MissesSome(uint64_t pending) const {
    return pending > held_.size() + acking_.size() + releasing_.size() + missing_.size();
  }

 private:
  using Waiters = std::vector<std::shared_ptr<SettleWaiter>>;

  using Noticed = absl::btree_set<EntryId>;

  // The answer has come. Answers for which entries mail was noticed meanwhile.
  Noticed EndFetch();
  // Holds it, unless there is mail that did not come with it: then the pending list is looked
  // through, where it is found with its mail.
  void TakeIn(const Entry& entry, uint64_t times_delivered, const EntryState& state,
              const Noticed& noticed);
  void Read(uint32_t max_entries);
  void OnRead(uint32_t asked, uint64_t epoch, absl::StatusOr<ReadGroupResult> result);
  void Claim(const std::string& consumer, uint32_t max_entries);
  void OnClaimed(const std::string& consumer, uint64_t epoch, absl::StatusOr<ClaimResult> result);
  void Reconcile();
  void ReadPendingPage();
  void OnPendingPage(uint64_t epoch, absl::StatusOr<std::vector<PendingEntry>> page);
  void FetchMissing(uint64_t epoch);
  void OnMissingFetched(const PendingEntry& pending, absl::StatusOr<std::vector<Entry>> entries,
                        absl::StatusOr<std::vector<EntryState>> states);
  void EndReconcile(bool complete);
  void OnFetchFailed(const absl::Status& status);
  void Repair();
  void OnRepaired(const absl::Status& status);
  // Stops fetching for a while after an error.
  void Pause();
  void AddEntry(const Entry& entry, uint64_t times_delivered, const EntryState& state);
  // What others have settled of an entry that was just taken.
  void FailByMail(EntryId id, const std::vector<MailedSettle>& failed);
  // ---- Ordered groups ----
  void AcquireLease();
  void OnLease(const absl::StatusOr<LeaseResult>& lease);
  void ListOthers();
  // The lease may be free, or this consumer may hold what is ours.
  void LookForLease(const std::string& consumer);
  bool MayReadAhead() const;
  // Until everything is gathered and lined up again.
  void StopDelivering();
  void EndYield();
  void NoteKeys(HeldEntry& entry) const;
  void LineUpAll();
  // What may go of it becomes ready to be delivered.
  void LineUp(HeldEntry& entry);
  bool MayGo(const HeldEntry& entry, uint32_t index) const;
  // What is settled makes room for what stands behind it.
  void LeaveLines(HeldEntry& entry);
  void LeaveLine(HeldEntry& entry, uint32_t index);

  // ---- Failing (group_stream_failing.cc) ----
  struct Death {
    uint32_t index = 0;
    DeadLetterCause cause = DeadLetterCause::kNacked;
    std::string subscriber;
  };
  struct Burial {
    std::vector<Death> deaths;
    Waiters waiters;
  };
  using Burials = absl::btree_map<EntryId, Burial>;

  // The next retry of an event that has just failed.
  void Retry(HeldEntry& entry, uint32_t index, const Failure& failure);
  void AddReason(HeldEntry& entry, const EntryRun& run, const std::string& reason);
  // The event is dying: its letter will be written. Answers 1 if it is dropped instead, and is
  // settled; the caller counts it.
  uint32_t Bury(HeldEntry& entry, Death death);
  // After events have failed: what the store has to know is noted. May forget the entry.
  void NoteFailed(HeldEntry& entry, uint32_t dropped, std::shared_ptr<SettleWaiter> waiter);
  void WaitForRetry(HeldEntry& entry, uint32_t index, absl::Duration due);
  // Gives up the value if nobody needs it before the retries, and there is no room for it.
  void MaybePark(HeldEntry& entry);
  // The bytes that the entry had of the budget are free again.
  void Unpark(HeldEntry& entry);
  void RetriesDue();
  void MakeDueReady(HeldEntry& entry);
  void Reread(uint32_t max_entries);
  void OnReread(EntryId id, uint64_t epoch, absl::StatusOr<std::vector<Entry>> entries);
  void SendBurials();
  BuriedEntry WriteLetters(const HeldEntry& entry, const Burial& burial) const;
  void OnBuried(const Burials& burials, const std::vector<EntryId>& ended,
                const absl::StatusOr<BuryResult>& result);
  // So many events have just become settled. May forget the entry.
  void NoteSettled(HeldEntry& entry, uint32_t settled, std::shared_ptr<SettleWaiter> waiter);
  void MarkUnsaved(HeldEntry& entry, std::shared_ptr<SettleWaiter> waiter, bool at_once);

  // Settles the events of a new entry that have expired.
  void DropExpired(HeldEntry& entry);
  // Index up to which the events of the entry lie before the group's start: how many to skip.
  uint32_t SkippedBeforeStart(EntryId id) const;
  void RemoveFromReady(const HeldEntry* entry, uint32_t index);
  void QueueAck(EntryId id);
  void SendAcks();
  void SendStates();
  void OnStatesWritten(const std::vector<EntryId>& ids, const Waiters& waiters,
                       const absl::StatusOr<uint64_t>& written);
  static void FailAll(const Waiters& waiters, const absl::Status& status);
  void SendReleases();
  // It was given back, and is ours again.
  void CancelRelease(EntryId id);
  // Nobody waits for its state record.
  void ForgetHeld(EntryId id);
  void Changed() { changed_(); }

  const Context* const context_;
  const GroupKey group_;
  const GroupPolicy* const policy_;
  const std::shared_ptr<const std::string> stream_;
  const std::shared_ptr<const std::string> origin_;
  const StreamStart start_;
  // From where a group that began with "from now on" is made anew: earlier rather than later.
  const EntryId served_since_;
  const std::function<void()> changed_;

  // Taking entries. One fetch at a time.
  bool advanced_ = true;
  bool fetching_ = false;
  bool paused_ = false;
  std::set<std::string> claimable_;
  bool lost_answer_ = false;
  uint64_t expected_events_ = 0;
  // Entries that have got mail while something was being fetched.
  Noticed mail_noticed_;
  // Of the entries seen lately.
  double events_per_entry_ = 1;
  double bytes_per_entry_ = 1024;
  // The share of their events that the group's filter wants.
  double wanted_share_ = 1;
  // Before anything was seen, reads are small.
  bool seen_entries_ = false;
  // Goes up when everything is dropped, so that answers of before are ignored.
  uint64_t epoch_ = 0;
  // While reconciling: where we are, what is missing, and what was acked meanwhile.
  EntryId reconcile_after_;
  std::deque<PendingEntry> missing_;
  absl::flat_hash_set<EntryId> acked_meanwhile_;

  // Holding and delivering.
  absl::flat_hash_map<EntryId, std::unique_ptr<HeldEntry>> held_;
  std::deque<EntryRun> ready_;
  uint64_t ready_events_ = 0;
  absl::Duration last_progress_ = -absl::InfiniteDuration();

  // Failing. Whose retries are due when, by the monotonic clock.
  absl::btree_set<std::pair<absl::Duration, EntryId>> due_;
  uint64_t waiting_events_ = 0;
  // Entries whose values have to be read again.
  std::deque<EntryId> reread_;
  uint32_t rereads_under_way_ = 0;
  Burials burials_;
  std::unique_ptr<Timer> retry_timer_;

  // Settling.
  std::vector<EntryId> acks_;
  Waiters ack_waiters_;
  // Acked here, not confirmed by the store.
  absl::flat_hash_set<EntryId> acking_;
  // Partly settled, and the store does not know of all of it; with who waits until it does.
  absl::btree_map<EntryId, Waiters> unsaved_;
  // Perhaps somebody does.
  bool states_awaited_ = false;
  absl::Duration last_save_;
  std::vector<EntryId> releases_;
  std::vector<EntryState> release_states_;
  // Given back here, not confirmed by the store.
  absl::flat_hash_set<EntryId> releasing_;
  // What was given back may be on its way here again: a release must not be repeated now.
  bool claiming_released_ = false;
  uint32_t writes_under_way_ = 0;

  // Ordered groups.
  const bool ordered_;
  // Of the lease; 0: not ours.
  uint64_t fence_ = 0;
  // The lease should be asked for.
  bool lease_wanted_ = true;
  // It was asked for, and the answer is lost.
  bool perhaps_owner_ = false;
  bool lease_known_ = false;
  std::string lease_owner_;
  // An incarnation from which the lease may be taken.
  std::string gone_owner_;
  // There was no stream to own.
  bool absent_ = false;
  // How far gathering is.
  bool reconciled_ = false;
  bool consumers_listed_ = false;
  bool gathered_ = false;
  bool yielding_ = false;
  absl::Duration no_yield_before_ = -absl::InfiniteDuration();
  bool forfeited_ = false;
  KeyLines lines_;
  std::unique_ptr<Timer> yield_timer_;

  std::unique_ptr<Timer> pause_timer_;
  Lifetime lifetime_;
};

// Shared by all that a settle command waits for; answers when the last share is gone.
class SettleWaiter {
 public:
  explicit SettleWaiter(absl::AnyInvocable<void(absl::Status)> done) : done_(std::move(done)) {}
  ~SettleWaiter() { done_(status_); }
  SettleWaiter(const SettleWaiter&) = delete;
  SettleWaiter& operator=(const SettleWaiter&) = delete;
  void Failed(const absl::Status& status) { status_ = status; }

 private:
  absl::AnyInvocable<void(absl::Status)> done_;
  absl::Status status_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_STREAM_H_
