#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_STORE_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_STORE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/loop/network.h"
#include "server/observe/logging.h"
#include "server/store/redis/redis_client.h"
#include "server/store/redis/redis_keys.h"
#include "server/store/redis/redis_replicated_writer.h"
#include "server/store/redis/redis_scripts.h"
#include "server/store/redis/redis_sentinels.h"
#include "server/store/redis/redis_server_info.h"
#include "server/store/redis/redis_signal_reader.h"
#include "server/store/redis/redis_signals.h"
#include "server/store/redis/redis_tls.h"
#include "server/store/stream_store.h"

namespace eventbus {

struct RedisStoreOptions {
  RedisAddress address;
  // For rediss://; else null.
  std::shared_ptr<const RedisTls> tls;
  // The namespace of all keys.
  std::string prefix = "eventbus";
  // Serve also where Redis may evict streams, and lose them.
  bool allow_eviction = false;
  absl::Duration connect_timeout = absl::Seconds(3);
  absl::Duration reply_timeout = absl::Seconds(5);
  // So many replicas must have what is appended or registered before it is confirmed, and may take
  // so long. 0: none.
  uint64_t min_replicas = 0;
  absl::Duration replica_timeout = absl::Seconds(1);
  // About how many signals are kept for those who fall behind.
  uint64_t max_signals = 10'000;
};

// RedisStore is StreamStore on Redis Streams (docs/redis.md): any number of instances share one
// Redis, and all of the state that matters is there. Two connections, however many groups and
// subscribers are served: one for all commands, pipelined, and one that waits for signals; a third
// one for what waits for replicas, where that is asked for. What must be one step is a script.
//
// Sizes of streams (StreamInfo::events, ::bytes, and with them the bounds of a trim) are estimated
// from some entries at either end where there are more than a few; exact where there are few.
//
// Owned by the daemon (or a test). Loop thread only.
class RedisStore final : public StreamStore, private RedisClient::Listener {
 public:
  // Begins to connect. Until the first attempt has ended, calls wait.
  RedisStore(Loop* loop, Network* network, Logger log, RedisStoreOptions options);
  ~RedisStore() override;
  RedisStore(const RedisStore&) = delete;
  RedisStore& operator=(const RedisStore&) = delete;

  // FAILED_PRECONDITION: what the last attempt found there cannot be the store until somebody
  // changes something, which the message names. OK otherwise.
  const absl::Status& refusal() const { return refusal_; }

  // Whether what waits for replicas has its connection, which the listener does not hear of:
  // reading and settling go on without it. OK where nothing waits for replicas.
  absl::Status ReadyToWrite() const {
    return writer_ == nullptr ? absl::OkStatus() : writer_->Ready();
  }

  // What the server said of itself when it was connected to last.
  const RedisServerInfo& server() const { return server_; }

  void SetListener(StoreListener* listener) override { listener_ = listener; }
  // Not if appends have a connection of their own.
  bool ReadsFollowAppends() const override { return writer_ == nullptr; }
  // Not if appends wait for replicas.
  bool IsNear() const override { return writer_ == nullptr && client_.is_near(); }

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
  void DropMail(std::string stream, GroupKey group, std::string consumer,
                std::vector<EntryId> ids) override;
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

  // redis_store_administration.cc
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
  using Answer = RedisClient::Answer;
  // State records that this instance has written or seen, by the key they are under: most entries
  // have none, and then an ack is one plain command.
  using KnownStates = absl::flat_hash_map<std::string, absl::flat_hash_set<EntryId>>;
  struct TrimInProgress;
  // What goes out at the end of a turn.
  struct Outbox {
    RedisSignal signal;
    bool scheduled = false;
  };

  // RedisClient::Listener
  void OnPrepare() override;
  void OnUp() override;
  void OnDown(const absl::Status& why) override;

  RedisClientOptions ClientOptions(std::string name) const;
  std::unique_ptr<RedisSentinels> MakeSentinels(Network* network);
  void OnMasterMoved(const RedisPlace& place);
  void Send(RedisCommand command, Answer answer) {
    client_.Send(std::move(command), std::move(answer));
  }
  // The same for what creates or appends, and with min_replicas goes its own way.
  void SendWrite(RedisCommand command, Answer answer);
  // `done` once enough replicas have what was written.
  template <typename T>
  Callback<T> Replicated(Callback<T> done);
  // Calls the script by its hash; by its text, once more, where Redis does not know it any more.
  void Run(RedisScript script, std::vector<std::string> keys, std::vector<std::string> arguments,
           Answer answer) {
    Run(&RedisStore::Send, script, std::move(keys), std::move(arguments), std::move(answer));
  }
  void RunWrite(RedisScript script, std::vector<std::string> keys,
                std::vector<std::string> arguments, Answer answer) {
    Run(&RedisStore::SendWrite, script, std::move(keys), std::move(arguments), std::move(answer));
  }
  void Run(void (RedisStore::*send)(RedisCommand, Answer), RedisScript script,
           std::vector<std::string> keys, std::vector<std::string> arguments, Answer answer);
  // Answers 0 in a later task.
  void CountNone(Callback<uint64_t> done);
  void NoteState(const std::string& key, EntryId id) { states_[key].insert(id); }
  void ForgetStates(const std::string& key, const std::vector<EntryId>& ids);
  // What an append to the stream begins with (RedisCommand::Arguments). Valid until the next call.
  const std::string& AppendBegin(const std::string& stream);
  // What this turn tells the others: with the commands, or right behind the appends.
  // For those who wait for it, if there are any.
  void TellAppended(const std::string& stream) {
    if (audience_) AppendSignal().advanced.insert(stream);
  }
  RedisSignal& Signal() { return SignalIn(&outbox_, &RedisStore::Send); }
  RedisSignal& AppendSignal() {
    return SignalIn(writer_ == nullptr ? &outbox_ : &append_outbox_, &RedisStore::SendWrite);
  }
  RedisSignal& SignalIn(Outbox* outbox, void (RedisStore::*send)(RedisCommand, Answer));
  void OnSignal(const RedisSignal& signal);
  void Tell(const RedisSignal& signal);
  // Has ListDue know what is due on the stream now; then answers.
  void CorrectDue(std::string stream, MoveDueResult moved, Callback<MoveDueResult> done);
  void WatchMemory();
  // Why nothing is to be stored now. OK: it may.
  absl::Status CheckRoom() const;
  // An answer in a later task.
  template <typename T>
  void AnswerSoon(Callback<T> done, absl::Status status);
  void CheckExists(const std::string& stream, Callback<std::vector<Entry>> done);
  void NoteEntries(const std::string& stream, const std::vector<Entry>& entries);
  void TrimSome(const std::shared_ptr<TrimInProgress>& trim);

  Loop* const loop_;
  const Logger log_;
  const RedisStoreOptions options_;
  const RedisKeys keys_;
  // Tells our own signals from those of others.
  const std::string sender_;
  StoreListener* listener_ = nullptr;

  std::array<std::string, kRedisScripts> hashes_;
  bool down_ = false;
  bool opened_ = false;
  absl::Status refusal_;
  RedisServerInfo server_;
  bool nearly_full_ = false;
  KnownStates states_;
  // Of the entries seen lately, per stream: how large they are.
  absl::flat_hash_map<std::string, double> bytes_per_entry_;
  // Of AppendBegin, per stream; begun anew when there are too many.
  absl::flat_hash_map<std::string, std::string> append_begins_;
  // There may be other instances.
  bool audience_ = true;
  Outbox outbox_;
  Outbox append_outbox_;
  std::unique_ptr<Timer> memory_timer_;
  // Ends with this object; what is posted or deferred finds out by it.
  const std::shared_ptr<RedisStore*> self_;
  // Null where the address is the server's own. The connections ask it.
  const std::unique_ptr<RedisSentinels> sentinels_;
  RedisClient client_;
  RedisSignalReader signals_;
  // Null without min_replicas.
  std::unique_ptr<RedisReplicatedWriter> writer_;
};

template <typename T>
void RedisStore::AnswerSoon(Callback<T> done, absl::Status status) {
  loop_->Post([self = self_, done = std::move(done), status = std::move(status)]() mutable {
    if (*self != nullptr) done(std::move(status));
  });
}

template <typename T>
StreamStore::Callback<T> RedisStore::Replicated(Callback<T> done) {
  if (writer_ == nullptr) return done;
  return [this, done = std::move(done)](absl::StatusOr<T> result) mutable {
    if (!result.ok()) return done(std::move(result));
    writer_->WhenReplicated([done = std::move(done),
                             result = std::move(result)](const absl::Status& replicated) mutable {
      if (!replicated.ok()) return done(replicated);
      done(std::move(result));
    });
  };
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_STORE_H_
