#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STORE_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/memory/memory_delayed.h"
#include "server/store/memory/memory_letters.h"
#include "server/store/memory/memory_registry.h"
#include "server/store/memory/memory_seen.h"
#include "server/store/memory/memory_stream.h"
#include "server/store/stream_store.h"

namespace eventbus {

// Past either bound the oldest entries of all streams go, whoever has not read them yet. 0: no
// bound.
struct MemoryStoreOptions {
  // Memory that values keep, and MemoryStore::kEntryOverhead for each entry.
  uint64_t max_bytes = 0;
  uint64_t max_events = 0;
};

// MemoryStore keeps streams, groups and the registry in memory: what the Redis server is to the
// Redis store. Brokers talk to it through a MemoryStoreConnection each. Its calls are those of
// StreamStore, done at once, with a clock of its own. Owned by the daemon (or the test), outlives
// its connections. One thread.
//
//   MemoryStore store({.max_bytes = 1 << 30}, [&] { return loop.WallNow(); });
//   MemoryStoreConnection connection(&store, &loop);
class MemoryStore {
 public:
  // Counted for each entry besides its value.
  static constexpr size_t kEntryOverhead = 128;

  // One side of an attached connection. Called in the middle of somebody's call: must not call
  // back.
  class Peer {
   public:
    virtual ~Peer() = default;
    virtual void OnStreamAdvanced(absl::string_view stream) = 0;
    virtual void OnEntriesReleased(absl::string_view stream, const GroupKey& group) = 0;
    virtual void OnLeaseWanted(const LeaseWish& wish) = 0;
    virtual void OnMail(const MailNotice& notice) = 0;
    virtual void OnRegistryChanged() = 0;
    virtual void OnInstancesChanged() = 0;
    virtual void OnSignalsMissed() = 0;
    virtual void OnDropped(absl::string_view stream, const TrimResult& dropped) = 0;
  };
  using PeerId = uint64_t;

  MemoryStore(MemoryStoreOptions options, absl::AnyInvocable<absl::Time()> clock);
  ~MemoryStore();
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  // Tells `peer` (not owned) of what others do, until it is detached. Ids are never used again.
  PeerId Attach(Peer* peer);
  void Detach(PeerId id);

  // `from`: whose call it is, attached or not any more. The others are told.
  absl::StatusOr<TypeRegistration> RegisterType(const std::string& stream, uint64_t max_types);
  absl::StatusOr<GroupRegistration> RegisterGroup(const std::string& name, std::string definition,
                                                  uint64_t max_groups);
  absl::StatusOr<GroupRecord> UpdateGroup(GroupRecord changed, uint64_t expected_version);
  absl::Status UnregisterGroup(const std::string& name, uint64_t expected_version);

  absl::StatusOr<EntryId> Append(PeerId from, AppendRequest request);
  absl::StatusOr<CreateStreamResult> CreateStream(PeerId from, CreateStreamRequest request);
  absl::StatusOr<std::vector<Entry>> ReadRange(const ReadRangeRequest& request);
  absl::StatusOr<StreamInfo> GetStreamInfo(const std::string& stream);
  absl::StatusOr<TrimResult> Trim(const TrimRequest& request);

  absl::StatusOr<AppendOnceResult> AppendOnce(PeerId from, AppendOnceRequest request);
  absl::StatusOr<MoveDueResult> MoveDue(PeerId from, const MoveDueRequest& request);
  absl::StatusOr<ListDueResult> ListDue(uint64_t max_streams);
  absl::StatusOr<DelayedInfo> GetDelayedInfo(const std::string& stream);
  absl::StatusOr<std::vector<DelayedEvent>> ListDelayed(const ListDelayedRequest& request);
  absl::StatusOr<DelayedEvent> CancelDelayed(const std::string& stream, const std::string& id);

  absl::Status CreateGroup(const CreateGroupRequest& request);
  absl::Status DestroyGroup(const std::string& stream, const GroupKey& group);
  absl::StatusOr<ReadGroupResult> ReadGroup(const ReadGroupRequest& request);
  absl::StatusOr<std::vector<PendingEntry>> ReadPending(const ReadPendingRequest& request);
  absl::StatusOr<uint64_t> Ack(const std::string& stream, const GroupKey& group,
                               const std::vector<EntryId>& ids);
  absl::StatusOr<uint64_t> WriteStates(const std::string& stream, const GroupKey& group,
                                       absl::string_view consumer, std::vector<EntryState> states);
  absl::StatusOr<std::vector<EntryState>> ReadStates(const std::string& stream,
                                                     const GroupKey& group,
                                                     const std::vector<EntryId>& ids);
  absl::StatusOr<ClaimResult> Claim(const ClaimRequest& request);
  absl::Status Release(PeerId from, ReleaseRequest request);
  absl::StatusOr<LeaseResult> AcquireLease(const LeaseRequest& request);
  absl::Status ReleaseLease(PeerId from, const std::string& stream, const GroupKey& group,
                            const std::string& owner);
  void WishForLease(PeerId from, const LeaseWish& wish);
  absl::StatusOr<std::vector<MailOutcome>> LeaveMail(const LeaveMailRequest& request);
  absl::StatusOr<std::vector<ConsumerInfo>> ListConsumers(const std::string& stream,
                                                          const GroupKey& group);
  absl::StatusOr<bool> RemoveConsumer(const std::string& stream, const GroupKey& group,
                                      absl::string_view consumer);

  absl::StatusOr<BuryResult> Bury(BuryRequest request);
  std::vector<EntryId> Redrive(PeerId from, const std::string& stream, const std::string& group,
                               const std::vector<EntryId>& ids);
  void DropLetters(const std::string& stream, const std::string& group);
  // For what needs no group.
  MemoryLetters& letters() { return letters_; }

  HeartbeatResult Heartbeat(PeerId from, HeartbeatRequest request);
  void SetAudience(PeerId from, bool others);
  // memory_store_administration.cc
  absl::StatusOr<GroupInfo> GetGroupInfo(const GroupInfoRequest& request);
  absl::StatusOr<std::vector<EntryState>> ListStates(const std::string& stream,
                                                     const GroupKey& group, uint32_t max_states);
  void RemoveGroup(const std::string& stream, const std::string& group, uint64_t up_to_generation);
  void UnregisterType(const std::string& stream);
  void DeleteStream(const std::string& stream, const std::vector<std::string>& groups);

  void Leave(PeerId from, absl::string_view incarnation);

  // Types, groups and instances, for what needs no signal.
  MemoryRegistry& registry() { return registry_; }

  // What counts towards the bounds now.
  uint64_t bytes() const { return bytes_; }
  uint64_t events() const { return events_; }

 private:
  struct Stream {
    std::string name;
    MemoryStream log;
    MemorySeen seen;
    MemoryDelayed delayed;
  };
  struct GroupOnStream {
    MemoryStream* log;
    MemoryGroup* group;
  };

  absl::StatusOr<Stream*> FindStream(const std::string& name);
  absl::StatusOr<GroupOnStream> FindGroup(const std::string& stream, const GroupKey& key);
  // OK if an entry like this could be stored alone.
  absl::Status CheckFits(size_t charge, uint64_t events) const;
  EntryId AppendTo(Stream& stream, AppendRequest request, PeerId from, std::string note = "");
  TrimResult RemoveOldest(Stream& stream, size_t count);
  // Removes the stream, entries and groups with it. Harmless if there is none.
  void EraseStream(const std::string& name);
  // Removes what is too much, and tells `teller` of it.
  void StayWithinBounds(PeerId teller);
  // What delayed events count towards the bounds, when this much is added.
  absl::Status CheckDelayedFit(uint64_t charge, uint64_t events) const;
  // After a change of what is delayed on the stream: what it counted before, and when it was due.
  void NoteDelayed(const Stream& stream, const DelayedInfo& before, uint64_t charge_before);
  // FAILED_PRECONDITION unless `owner` has the lease with this fence, or the fence is 0.
  absl::Status CheckFence(const std::string& stream, const GroupKey& group, absl::string_view owner,
                          uint64_t fence) const;
  void TellRegistryChanged();
  void TellInstancesChanged(PeerId from);
  void TellAdvanced(PeerId from, absl::string_view stream);

  const MemoryStoreOptions options_;
  absl::AnyInvocable<absl::Time()> clock_;
  MemoryRegistry registry_;
  MemoryLetters letters_;
  absl::flat_hash_map<std::string, std::unique_ptr<Stream>> streams_;
  // Streams that have entries, by the order of their oldest one among all entries of the store.
  absl::btree_map<uint64_t, Stream*> by_oldest_;
  // Streams with delayed events, by when the first of them is due.
  absl::btree_set<std::pair<absl::Time, std::string>> by_due_;
  // By stream and group.
  absl::btree_map<std::pair<std::string, std::string>, LeaseResult> leases_;
  uint64_t delayed_bytes_ = 0;
  uint64_t delayed_events_ = 0;
  uint64_t next_order_ = 0;
  uint64_t bytes_ = 0;
  uint64_t events_ = 0;
  std::map<PeerId, Peer*> peers_;
  // Of these, those who believe to be alone.
  absl::flat_hash_set<PeerId> alone_;
  PeerId last_peer_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STORE_H_
