#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STORE_CONNECTION_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STORE_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "server/loop/loop.h"
#include "server/store/memory/memory_store.h"
#include "server/store/stream_store.h"

namespace eventbus {

// The way between a broker and a MemoryStore. Both directions keep order.
class StoreLink {
 public:
  virtual ~StoreLink() = default;
  // Runs `task` where the store is, at once or later.
  virtual void ToStore(Task task) = 0;
  // Of so many requests of a turn, how many reach the store as one, so that nobody else's come
  // between; at least one.
  virtual size_t AtOnce(size_t requests) { return requests; }
  // Runs `task` on the broker's loop, in a later task.
  virtual void ToBroker(Task task) = 0;
};

// MemoryStoreConnection is one broker's StreamStore on a MemoryStore. What is called during a turn
// of the loop goes to the store together at the turn's end, and the answers come back together.
// Owned by the daemon (or the test). Calls that a destroyed connection has not sent yet have no
// effect; what is on its way has, without an answer.
class MemoryStoreConnection final : public StreamStore {
 public:
  // Store and broker share `loop`.
  MemoryStoreConnection(MemoryStore* store, Loop* loop);
  // They are apart: in simulation, each broker is in a process of its own.
  MemoryStoreConnection(MemoryStore* store, Loop* loop, std::shared_ptr<StoreLink> link);
  ~MemoryStoreConnection() override;
  MemoryStoreConnection(const MemoryStoreConnection&) = delete;
  MemoryStoreConnection& operator=(const MemoryStoreConnection&) = delete;

  void SetListener(StoreListener* listener) override;
  bool ReadsFollowAppends() const override { return true; }
  bool IsNear() const override { return true; }

  void RegisterType(std::string stream, uint64_t max_types,
                    Callback<TypeRegistration> done) override;
  void ListTypes(Callback<std::vector<TypeRecord>> done) override;
  void RegisterGroup(std::string name, std::string definition, uint64_t max_groups,
                     Callback<GroupRegistration> done) override;
  void UpdateGroup(GroupRecord changed, uint64_t expected_version,
                   Callback<GroupRecord> done) override;
  void UnregisterGroup(std::string name, uint64_t expected_version, StatusCallback done) override;
  void ListGroups(Callback<std::vector<GroupRecord>> done) override;

  void Append(AppendRequest request, Callback<EntryId> done) override;
  void CreateStream(CreateStreamRequest request, Callback<CreateStreamResult> done) override;
  void ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) override;
  void GetStreamInfo(std::string stream, Callback<StreamInfo> done) override;
  void Trim(TrimRequest request, Callback<TrimResult> done) override;

  void AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) override;
  void MoveDue(MoveDueRequest request, Callback<MoveDueResult> done) override;
  void ListDue(uint64_t max_streams, Callback<ListDueResult> done) override;
  void GetDelayedInfo(std::string stream, Callback<DelayedInfo> done) override;
  void ListDelayed(ListDelayedRequest request, Callback<std::vector<DelayedEvent>> done) override;
  void CancelDelayed(std::string stream, std::string id, Callback<DelayedEvent> done) override;

  void CreateGroup(CreateGroupRequest request, StatusCallback done) override;
  void DestroyGroup(std::string stream, GroupKey group, StatusCallback done) override;
  void ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) override;
  void ReadPending(ReadPendingRequest request, Callback<std::vector<PendingEntry>> done) override;
  void Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
           Callback<uint64_t> done) override;
  void WriteStates(std::string stream, GroupKey group, std::string consumer,
                   std::vector<EntryState> states, Callback<uint64_t> done) override;
  void ReadStates(std::string stream, GroupKey group, std::vector<EntryId> ids,
                  Callback<std::vector<EntryState>> done) override;
  void Claim(ClaimRequest request, Callback<ClaimResult> done) override;
  void Release(ReleaseRequest request, StatusCallback done) override;
  void AcquireLease(LeaseRequest request, Callback<LeaseResult> done) override;
  void ReleaseLease(std::string stream, GroupKey group, std::string owner,
                    StatusCallback done) override;
  void WishForLease(LeaseWish wish) override;
  void LeaveMail(LeaveMailRequest request, Callback<std::vector<MailOutcome>> done) override;
  // Mail goes with its entry.
  void DropMail(std::string /*stream*/, GroupKey /*group*/, std::string /*consumer*/,
                std::vector<EntryId> /*ids*/) override {}
  void ListConsumers(std::string stream, GroupKey group,
                     Callback<std::vector<ConsumerInfo>> done) override;
  void RemoveConsumer(std::string stream, GroupKey group, std::string consumer,
                      Callback<bool> done) override;

  void Bury(BuryRequest request, Callback<BuryResult> done) override;
  void ReadLetters(ReadLettersRequest request, Callback<std::vector<StoredLetter>> done) override;
  void CountLetters(std::string stream, std::string group, Callback<uint64_t> done) override;
  void RemoveLetters(std::string stream, std::string group, std::vector<EntryId> ids,
                     Callback<uint64_t> done) override;
  void Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
               Callback<std::vector<EntryId>> done) override;
  void DropLetters(std::string stream, std::string group, StatusCallback done) override;

  // memory_store_connection_administration.cc
  void GetGroupInfo(GroupInfoRequest request, Callback<GroupInfo> done) override;
  void ListStates(std::string stream, GroupKey group, uint32_t max_states,
                  Callback<std::vector<EntryState>> done) override;
  void RemoveGroup(std::string stream, std::string group, uint64_t up_to_generation,
                   StatusCallback done) override;
  void UnregisterType(std::string stream, StatusCallback done) override;
  void DeleteStream(std::string stream, std::vector<std::string> groups,
                    StatusCallback done) override;
  void PutStats(InstanceStats stats, StatusCallback done) override;
  void ListStats(Callback<std::vector<InstanceStats>> done) override;

  void Heartbeat(HeartbeatRequest request, Callback<HeartbeatResult> done) override;
  void SetAudience(bool others) override;
  void Leave(std::string incarnation, StatusCallback done) override;
  void ForgetInstance(std::string incarnation, StatusCallback done) override;

 private:
  // What is on its way shares it, and finds out by it that the connection is gone.
  class Session;
  using Answer = absl::AnyInvocable<void()>;
  using Request = absl::AnyInvocable<Answer(MemoryStore&, MemoryStore::PeerId)>;

  // Has the store do `ask(store, peer)`, and answers `done` with what that returns.
  template <typename Ask, typename Done>
  void Call(Ask ask, Done done);
  void Send(Request request);

  Loop* const loop_;
  const std::shared_ptr<Session> session_;
};

template <typename Ask, typename Done>
void MemoryStoreConnection::Call(Ask ask, Done done) {
  Send([ask = std::move(ask), done = std::move(done)](MemoryStore& store,
                                                      MemoryStore::PeerId peer) mutable -> Answer {
    return
        [result = ask(store, peer), done = std::move(done)]() mutable { done(std::move(result)); };
  });
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_STORE_CONNECTION_H_
