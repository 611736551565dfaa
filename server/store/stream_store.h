#ifndef EVENTBUS_SERVER_STORE_STREAM_STORE_H_
#define EVENTBUS_SERVER_STORE_STREAM_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/administration.h"
#include "server/store/append_once.h"
#include "server/store/bytes.h"
#include "server/store/delayed.h"
#include "server/store/entry.h"
#include "server/store/group_key.h"
#include "server/store/lease.h"
#include "server/store/mail.h"

namespace eventbus {

// ---- Registry: which types and groups exist ----

// A type, or rather its stream. Stamps come from one counter for types and groups together: a type
// with a higher stamp than a group was born after it.
struct TypeRecord {
  std::string stream;
  uint64_t stamp = 0;
  // By the store's clock. Infinite past: not known.
  absl::Time born = absl::InfinitePast();
};

// A group's definition as the registry keeps it. The store does not look into `definition`.
struct GroupRecord {
  std::string name;
  uint64_t generation = 1;
  uint64_t stamp = 0;
  // Goes up by one with each change; for changing only what one has seen.
  uint64_t version = 0;
  std::string definition;
};

struct TypeRegistration {
  TypeRecord type;
  // False if the type was there already.
  bool created = false;
  // Every group there is, in the same atomic look.
  std::vector<GroupRecord> groups;
};

struct GroupRegistration {
  // As stored: the one of the request if `created`, else the one that was there.
  GroupRecord group;
  bool created = false;
  // Every type there is, in the same atomic look.
  std::vector<TypeRecord> types;
};

// ---- Streams ----

struct AppendRequest {
  std::string stream;
  Bytes value;
  // How many events `value` has.
  uint32_t event_count = 1;
  // When the first of them expires, in Unix ms; 0: never. Comes back with the entry.
  int64_t expires_ms = 0;
};

// Creates a stream with its groups, then appends to it, atomically: a stream never takes an append
// while one of its groups is missing.
struct CreateStreamRequest {
  std::string stream;
  // They begin with the stream's first entry. Ones that exist stay as they are.
  std::vector<GroupKey> groups;
  std::optional<AppendRequest> append;
};

struct CreateStreamResult {
  // Of the append, if one was asked for.
  std::optional<EntryId> appended;
};

struct CreateGroupRequest {
  std::string stream;
  GroupKey group;
  // The group gets what comes after this entry; Min(): everything; nullopt: what is appended from
  // now on.
  std::optional<EntryId> after;
};

struct StreamInfo {
  // Zero entries: first is what comes after last.
  uint64_t entries = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;
  // Events and bytes are counted, not estimated.
  bool exact = true;
  EntryId first;
  // Of the last entry ever appended, also if it is gone. Min() if there never was one.
  EntryId last;
  absl::Time store_time;
};

// ---- Groups on a stream ----

struct ReadGroupRequest {
  std::string stream;
  GroupKey group;
  std::string consumer;
  uint32_t max_entries = 1;
  // Not 0: only if the consumer has the lease with this fence, else FAILED_PRECONDITION.
  uint64_t fence = 0;
};

struct ReadGroupResult {
  std::vector<Entry> entries;
};

struct PendingEntry {
  EntryId id;
  std::string consumer;
  // How often the entry was handed to a consumer (reads and claims).
  uint64_t times_delivered = 1;
};

struct ReadPendingRequest {
  std::string stream;
  GroupKey group;
  // Empty: of all consumers.
  std::string consumer;
  // Entries after this one.
  EntryId after = EntryId::Min();
  uint32_t max_entries = 100;
};

struct ReadRangeRequest {
  std::string stream;
  // Both included.
  EntryId from = EntryId::Min();
  EntryId to = EntryId::Max();
  uint32_t max_entries = 100;
  // Stops before the entry with which the values would exceed this, but gives at least one. 0: no
  // bound.
  uint64_t max_bytes = 0;
  // From the last to the first.
  bool newest_first = false;
};

// What has become of the events of an entry that fare differently: an encoded record, opaque to the
// store, kept with the entry's pending state and dropped with it.
struct EntryState {
  EntryId id;
  // Empty: none, but there is mail.
  std::string record;
  // Read only.
  std::string mail = {};
  // There is mail, and no room for it in this answer: it is read on its own. Read only.
  bool mail_left_out = false;
};

struct ClaimRequest {
  std::string stream;
  GroupKey group;
  // A consumer that is dead, has left, or kReleasedConsumer. Not `to`.
  std::string from;
  std::string to;
  uint32_t max_entries = 100;
  // As in ReadGroupRequest, of `to`.
  uint64_t fence = 0;
};

struct ClaimedEntry {
  Entry entry;
  uint64_t times_delivered = 1;
  // Empty: none of its events is settled, all have attempt 1.
  std::string record;
  std::string mail = {};
};

struct ClaimResult {
  std::vector<ClaimedEntry> entries;
  // Pending entries that retention had removed; they are acknowledged. They count towards
  // `max_entries`.
  uint64_t vanished = 0;
  // More is pending for `from`.
  bool more = false;
};

struct ReleaseRequest {
  std::string stream;
  GroupKey group;
  std::string consumer;
  std::vector<EntryId> ids;
  // For those of `ids` whose events fare differently.
  std::vector<EntryState> states;
};

struct ConsumerInfo {
  std::string name;
  uint64_t pending = 0;
};

// ---- Retention ----

struct TrimRequest {
  std::string stream;
  // Entries below this one go. Min(): none for this reason.
  EntryId min_id;
  // The oldest go too while the stream has more than these. 0: no bound.
  uint64_t max_events = 0;
  uint64_t max_bytes = 0;
  // What all of these groups are done with goes too. Empty: nothing goes for this reason. A group
  // that the stream does not have is done with nothing.
  std::vector<GroupKey> settled_by = {};
  // Counts only.
  bool dry_run = false;
};

struct GroupLoss {
  GroupKey group;
  // Events of entries that the group had not read, or that were pending: of the latter all, since
  // the store does not look into their state records. What a claim later finds vanished is counted
  // here already.
  uint64_t events = 0;
};

struct TrimResult {
  uint64_t entries = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;
  std::vector<GroupLoss> losses;
};

// ---- Dead letters ----

// How many dead letters of one group on one stream are kept, and for how long.
struct LetterBounds {
  // Infinite: for ever.
  absl::Duration ttl = absl::InfiniteDuration();
  // The oldest go when there are more. 0: no bound.
  uint64_t max_letters = 0;
};

struct NewLetter {
  // Of the event in its entry.
  uint32_t index = 0;
  // Its frame, as `repeated Event events = 1` has it.
  Bytes event;
  // What happened to it; opaque to the store.
  std::string details;
};

// An entry some events of which become dead letters.
struct BuriedEntry {
  EntryId id;
  std::vector<NewLetter> letters;
  // Its state from now on. Empty: all of its events are done with, and the entry is acknowledged.
  std::string record;
};

struct BuryRequest {
  std::string stream;
  GroupKey group;
  std::string consumer;
  std::vector<BuriedEntry> entries;
  LetterBounds bounds;
};

struct BuryResult {
  // How many of the entries were pending for the consumer; for the others nothing was done.
  uint64_t entries = 0;
  // Letters that the bounds have removed.
  uint64_t dropped_letters = 0;
};

struct StoredLetter {
  // Orders the letters of a group on a stream by when they were written, by the store's clock.
  EntryId id;
  Bytes event;
  std::string details;
};

struct ReadLettersRequest {
  std::string stream;
  // The group's name: letters outlive generations.
  std::string group;
  // Letters from this one on.
  EntryId from = EntryId::Min();
  uint32_t max_letters = 100;
};

// Redriven events are entries of a stream of their own, of one event each, for this group alone:
// its key there has the generation 0, and each entry has the letter's details as its note. No type
// can have this name.
std::string SideStreamOf(absl::string_view stream, absl::string_view group);
GroupKey SideGroupOf(absl::string_view group);
bool IsSideStream(absl::string_view stream);
// The stream whose events are redriven there; any other stream itself.
absl::string_view OriginOf(absl::string_view stream);

// ---- Instances ----

struct InstanceRecord {
  std::string incarnation;
  // Goes up with each heartbeat; whoever watches it decides on its own clock.
  uint64_t counter = 0;
  // It said good-bye; what it holds may be claimed.
  bool left = false;
  // What it reports of itself; opaque to the store.
  std::string report;
};

struct HeartbeatRequest {
  std::string incarnation;
  std::string report;
};

struct HeartbeatResult {
  std::vector<InstanceRecord> instances;
  // The store's clock: the one that all instances share.
  absl::Time store_time;
};

// ---- The store ----

// Entries given back for anybody to claim are pending for this consumer.
inline constexpr char kReleasedConsumer[] = "released";

// What a store tells by itself. Implemented by the broker; called on the loop.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  // Another instance has appended to the stream.
  virtual void OnStreamAdvanced(absl::string_view stream) = 0;
  // Another instance has given back entries of a group: they wait for kReleasedConsumer to be
  // claimed from.
  virtual void OnEntriesReleased(absl::string_view stream, const GroupKey& group) = 0;
  // Another instance would like to own a stream of an ordered group; perhaps not from this one.
  virtual void OnLeaseWanted(const LeaseWish& /*wish*/) {}
  // Somebody, perhaps this instance, has left mail for an entry; perhaps not for this one.
  virtual void OnMail(const MailNotice& /*notice*/) {}
  // Types or groups were created, changed or deleted, perhaps by this instance.
  virtual void OnRegistryChanged() = 0;
  // Another instance has come or left: a heartbeat answers with who is there.
  virtual void OnInstancesChanged() = 0;
  // Signals may have been missed: look at everything.
  virtual void OnSignalsMissed() = 0;
  // The store is reachable again / no longer reachable. It starts as reachable.
  virtual void OnStoreUp() = 0;
  virtual void OnStoreDown(const absl::Status& why) = 0;
  // The store dropped entries by itself to stay within its bounds. Told to the instance whose
  // append made it necessary, so that it is counted once.
  virtual void OnDropped(absl::string_view stream, const TrimResult& dropped) = 0;
};

// StreamStore is a set of logs with consumer groups, and a registry of what exists: everything the
// broker needs to be durable and to share its work between instances, and no policy. It has the
// semantics of Redis Streams, which is one of its two implementations; the other one, MemoryStore,
// keeps all in memory, and several brokers may attach to one. Both pass the suite in
// tests/conformance/store, which together with this header is the specification.
//
// All calls are made on the loop, return at once, and answer once, on the loop, in a later task:
// never before the call has returned, and not any more after the store object is destroyed. What is
// called during one turn of the loop leaves in one write.
//
// Order: calls of one kind on one stream take effect in the order in which they were made, and
// there are two kinds: Append, AppendOnce, MoveDue and CreateStream; and all others. Between the
// two kinds nothing is promised of calls that are under way together (a store may send them on
// different ways), only that a call made after another one's answer takes effect after it. So a
// read that is to find an append is made when the append is answered, or, where ReadsFollowAppends,
// right after it; OnStreamAdvanced too comes after what it tells of. The same holds of the
// registry: RegisterType, RegisterGroup, UpdateGroup and UnregisterGroup; and all others.
//
// Errors, for every call:
// - UNAVAILABLE, see IsOutcomeUnknown(): the store did not answer. Unless the effect is certain not
// to have happened, the error
//   says that the outcome is unknown; the store never repeats a write by itself.
// - NOT_FOUND: the stream, or the group on the stream, does not exist.
// - RESOURCE_EXHAUSTED: no room.
class StreamStore {
 public:
  template <typename T>
  using Callback = absl::AnyInvocable<void(absl::StatusOr<T>)>;
  using StatusCallback = absl::AnyInvocable<void(absl::Status)>;

  virtual ~StreamStore() = default;

  // Begins to tell `listener` (not owned; must outlive the store or be replaced by nullptr).
  virtual void SetListener(StoreListener* listener) = 0;

  // Whether all calls on a stream, of both kinds, take effect in the order in which they were made:
  // a read that is made right after an append, in the same turn, finds what that appends. Always
  // the same.
  virtual bool ReadsFollowAppends() const = 0;

  // Whether the store answers about as soon as it has done what it was asked: the way to it takes
  // no more than a few hundred microseconds. A hint, which may change.
  virtual bool IsNear() const = 0;

  // ---- Registry ----

  // Records that the type exists; stamps it if it is new. RESOURCE_EXHAUSTED if there are
  // `max_types` others.
  virtual void RegisterType(std::string stream, uint64_t max_types,
                            Callback<TypeRegistration> done) = 0;
  virtual void ListTypes(Callback<std::vector<TypeRecord>> done) = 0;

  // Records a group unless one of this name exists. RESOURCE_EXHAUSTED if there are `max_groups`
  // others.
  virtual void RegisterGroup(std::string name, std::string definition, uint64_t max_groups,
                             Callback<GroupRegistration> done) = 0;
  // Replaces definition and generation if the stored version is still `expected_version` (else
  // ABORTED; NOT_FOUND if there is no such group). Answers with the record as stored.
  virtual void UpdateGroup(GroupRecord changed, uint64_t expected_version,
                           Callback<GroupRecord> done) = 0;
  // Removes the record if its version is still `expected_version` (else ABORTED). Its groups on
  // streams are the caller's to destroy.
  virtual void UnregisterGroup(std::string name, uint64_t expected_version,
                               StatusCallback done) = 0;
  virtual void ListGroups(Callback<std::vector<GroupRecord>> done) = 0;

  // ---- Streams ----

  // Appends to a stream that exists (else NOT_FOUND: create it first).
  virtual void Append(AppendRequest request, Callback<EntryId> done) = 0;
  // Creates the stream unless it exists, then its groups unless they exist, then appends.
  virtual void CreateStream(CreateStreamRequest request, Callback<CreateStreamResult> done) = 0;
  virtual void ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) = 0;
  virtual void GetStreamInfo(std::string stream, Callback<StreamInfo> done) = 0;
  // Removes entries, and says which groups lose by it.
  virtual void Trim(TrimRequest request, Callback<TrimResult> done) = 0;

  // ---- Publishing with conditions, and delayed events ----

  // Appends to a stream that exists (else NOT_FOUND) what it has not seen within the window, as one
  // entry, keeps what is delayed until it is due, and remembers the keys, all in one step. Nothing
  // is appended if it has seen all.
  virtual void AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) = 0;
  // Moves events that are due into the log, in the order of their due times. NOT_FOUND: something
  // is due, and there is no log; create it. Each is moved once, whoever else calls.
  virtual void MoveDue(MoveDueRequest request, Callback<MoveDueResult> done) = 0;
  // The streams on which something is delayed; 0: all of them. One may be missing for a while after
  // a crash, until somebody calls GetDelayedInfo for it.
  virtual void ListDue(uint64_t max_streams, Callback<ListDueResult> done) = 0;
  // What is delayed on a stream; makes sure that ListDue knows of it. The stream need not exist.
  virtual void GetDelayedInfo(std::string stream, Callback<DelayedInfo> done) = 0;
  // A page of the delayed events of a stream, by due time, then id.
  virtual void ListDelayed(ListDelayedRequest request,
                           Callback<std::vector<DelayedEvent>> done) = 0;
  // Removes a delayed event and answers with it. NOT_FOUND: it does not wait (any more).
  virtual void CancelDelayed(std::string stream, std::string id, Callback<DelayedEvent> done) = 0;

  // ---- Groups on a stream ----

  // OK also if it exists, and then it stays as it is.
  virtual void CreateGroup(CreateGroupRequest request, StatusCallback done) = 0;
  // Drops the group's cursor, pending entries and state records on this stream. OK if there is
  // none.
  virtual void DestroyGroup(std::string stream, GroupKey group, StatusCallback done) = 0;
  // Takes entries that no consumer of the group got yet; they are pending for `consumer` from then
  // on. An empty result: there are none.
  virtual void ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) = 0;
  // Ids of pending entries, in order.
  virtual void ReadPending(ReadPendingRequest request,
                           Callback<std::vector<PendingEntry>> done) = 0;
  // Ends the pending state, and with it the state record, of entries. Ones that are not pending are
  // ignored; so is a group or stream that is gone (no NOT_FOUND: a late ack is harmless). Answers
  // how many were.
  virtual void Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
                   Callback<uint64_t> done) = 0;
  // Writes state records of entries that are pending for `consumer`; skips the others. Answers how
  // many were written.
  virtual void WriteStates(std::string stream, GroupKey group, std::string consumer,
                           std::vector<EntryState> states, Callback<uint64_t> done) = 0;
  // State records and mail of entries; those without either are left out. Of the mail as much as
  // kMaxMailOfAnswer allows, but that of the first entry that has any is there.
  virtual void ReadStates(std::string stream, GroupKey group, std::vector<EntryId> ids,
                          Callback<std::vector<EntryState>> done) = 0;
  // Moves pending entries of a consumer to another one, oldest first, and answers with them. Of two
  // that claim the same, one gets all, the other none. Stops before the entry with which their mail
  // would exceed kMaxMailOfAnswer, but moves at least one.
  virtual void Claim(ClaimRequest request, Callback<ClaimResult> done) = 0;
  // Moves entries that are pending for `consumer` to kReleasedConsumer, and tells the other
  // instances.
  virtual void Release(ReleaseRequest request, StatusCallback done) = 0;
  // Consumers that have read or claimed, kReleasedConsumer included.
  virtual void ListConsumers(std::string stream, GroupKey group,
                             Callback<std::vector<ConsumerInfo>> done) = 0;
  // Removes a consumer that has nothing pending. Answers whether it is gone.
  virtual void RemoveConsumer(std::string stream, GroupKey group, std::string consumer,
                              Callback<bool> done) = 0;

  // ---- Ordered groups (lease.h) ----

  // Gives the lease to who asks if it is nobody's, the asker's, or that of who is gone. NOT_FOUND
  // if there is no such stream.
  virtual void AcquireLease(LeaseRequest request, Callback<LeaseResult> done) = 0;
  // Gives it back if `owner` has it, and tells the other instances (OnEntriesReleased). OK if not.
  virtual void ReleaseLease(std::string stream, GroupKey group, std::string owner,
                            StatusCallback done) = 0;
  // Tells the other instances, without an answer.
  virtual void WishForLease(LeaseWish wish) = 0;

  // ---- Mail (mail.h) ----

  // Leaves mail for whoever has the entries, and tells all instances, this one too: it may be about
  // to have one of them. Answers for each, in order. Once left it is found with the entry by
  // ReadStates and Claim.
  virtual void LeaveMail(LeaveMailRequest request, Callback<std::vector<MailOutcome>> done) = 0;
  // Removes what was left for entries that are not pending any more; without an answer. `consumer`:
  // who calls, and may be about to acknowledge some of them.
  virtual void DropMail(std::string stream, GroupKey group, std::string consumer,
                        std::vector<EntryId> ids) = 0;

  // ---- Dead letters ----

  // Writes letters of entries that are pending for the consumer, and in the same step what becomes
  // of the entries. Done twice it writes each letter once.
  virtual void Bury(BuryRequest request, Callback<BuryResult> done) = 0;
  // In the order of their ids. None if there is no such stream or group.
  virtual void ReadLetters(ReadLettersRequest request,
                           Callback<std::vector<StoredLetter>> done) = 0;
  virtual void CountLetters(std::string stream, std::string group, Callback<uint64_t> done) = 0;
  // Answers how many there were.
  virtual void RemoveLetters(std::string stream, std::string group, std::vector<EntryId> ids,
                             Callback<uint64_t> done) = 0;
  // Moves letters to the side stream, which is created with its group if need be, and tells the
  // other instances that it has advanced. Answers which ones were there.
  virtual void Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
                       Callback<std::vector<EntryId>> done) = 0;
  // Removes all letters of the group on the stream, and the side stream with what waits there.
  virtual void DropLetters(std::string stream, std::string group, StatusCallback done) = 0;

  // ---- Administration (administration.h) ----

  virtual void GetGroupInfo(GroupInfoRequest request, Callback<GroupInfo> done) = 0;
  // State records of pending entries, in no order, at most so many.
  virtual void ListStates(std::string stream, GroupKey group, uint32_t max_states,
                          Callback<std::vector<EntryState>> done) = 0;
  // Drops all that the stream has of the group of this name: its generations up to this one, its
  // dead letters, its side stream. But where there is a later generation only the earlier ones go.
  // OK if there is nothing.
  virtual void RemoveGroup(std::string stream, std::string group, uint64_t up_to_generation,
                           StatusCallback done) = 0;
  // Forgets that the type exists, and tells the others. OK if it does not.
  virtual void UnregisterType(std::string stream, StatusCallback done) = 0;
  // Removes the stream with all groups on it; and of these groups, also where they are not on it,
  // dead letters and side streams. OK if there is none.
  virtual void DeleteStream(std::string stream, std::vector<std::string> groups,
                            StatusCallback done) = 0;
  // Replaces what the incarnation told before. Goes with its instance (ForgetInstance).
  virtual void PutStats(InstanceStats stats, StatusCallback done) = 0;
  virtual void ListStats(Callback<std::vector<InstanceStats>> done) = 0;

  // ---- Instances ----

  // Raises this incarnation's counter and answers with all instances. Tells them of a new one.
  virtual void Heartbeat(HeartbeatRequest request, Callback<HeartbeatResult> done) = 0;
  // Whether there are other instances, as far as this one knows. While there are none, what is
  // appended is not told: nobody listens. When there is one again it is told to look at everything
  // (OnSignalsMissed). At first there may be others. Takes effect at once.
  virtual void SetAudience(bool others) = 0;
  // Marks the incarnation as left, and tells the others.
  virtual void Leave(std::string incarnation, StatusCallback done) = 0;
  // Forgets an incarnation of which nothing is pending any more.
  virtual void ForgetInstance(std::string incarnation, StatusCallback done) = 0;
};

// An error that says: certainly not done.
absl::Status NotDoneError(absl::string_view what);
// An error that says: perhaps done, the answer is lost.
absl::Status OutcomeUnknownError(absl::string_view what);
// Whether the effect of a failed call may have happened.
bool IsOutcomeUnknown(const absl::Status& status);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_STREAM_STORE_H_
