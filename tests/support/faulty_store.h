#ifndef EVENTBUS_TESTS_SUPPORT_FAULTY_STORE_H_
#define EVENTBUS_TESTS_SUPPORT_FAULTY_STORE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/store/stream_store.h"

namespace eventbus {

// The calls of StreamStore, to say which of them fare how.
enum class StoreCall {
  kRegisterType,
  kListTypes,
  kRegisterGroup,
  kUpdateGroup,
  kUnregisterGroup,
  kListGroups,
  kAppend,
  kCreateStream,
  kReadRange,
  kGetStreamInfo,
  kTrim,
  kCreateGroup,
  kDestroyGroup,
  kReadGroup,
  kReadPending,
  kAck,
  kWriteStates,
  kReadStates,
  kClaim,
  kRelease,
  kListConsumers,
  kRemoveConsumer,
  kAcquireLease,
  kLeaveMail,
  kReleaseLease,
  kBury,
  kReadLetters,
  kCountLetters,
  kRemoveLetters,
  kRedrive,
  kDropLetters,
  kGetGroupInfo,
  kListStates,
  kRemoveGroup,
  kUnregisterType,
  kDeleteStream,
  kPutStats,
  kListStats,
  kHeartbeat,
  kLeave,
  kForgetInstance,
  kAppendOnce,
  kMoveDue,
  kListDue,
  kGetDelayedInfo,
  kListDelayed,
  kCancelDelayed,
};

enum class StoreFault {
  kNone,
  // Nothing happens; NotDoneError in a later task.
  kNotDone,
  // Nothing happens; NotFoundError in a later task, as if the stream had come to be only after it.
  kNoStream,
  // The effect happens, the answer is lost: OutcomeUnknownError when the timeout has passed.
  kReplyLost,
  // The answer comes late, and with it all that come behind it.
  kReplyLate,
};

// How likely each fault is, from 0 to 1; the rest goes well.
struct FaultRates {
  double not_done = 0;
  double reply_lost = 0;
  double reply_late = 0;
};

// FaultyStore is a store that fails: by seed, by script, or altogether. It stands between a broker
// and a real store (not owned, outlives it), on the broker's loop. The same seed, script and calls
// give the same faults.
//
//   FaultyStore store(&connection, &process, {.seed = 7});
//   store.FailNext(StoreCall::kAppend, StoreFault::kReplyLost);
//   store.SetRates({.not_done = 0.01, .reply_lost = 0.01, .reply_late = 0.1});
class FaultyStore final : public StreamStore, private StoreListener {
 public:
  struct Options {
    uint64_t seed = 1;
    // After which a lost answer is given up.
    absl::Duration timeout = absl::Seconds(1);
    // A late answer is late by up to this; less than the timeout.
    absl::Duration max_delay = absl::Milliseconds(500);
  };

  FaultyStore(StreamStore* inner, Loop* loop, Options options);
  ~FaultyStore() override;

  // For all calls, and for one kind of them alone.
  void SetRates(FaultRates rates);
  void SetRates(StoreCall call, FaultRates rates);
  // The next call of this kind that no earlier script is for.
  void FailNext(StoreCall call, StoreFault fault);
  // The same, and its answer comes late by exactly this.
  void DelayNext(StoreCall call, absl::Duration delay);
  // Unreachable: calls fail as not done, what is in flight as unknown, signals are lost. Tells the
  // listener OnStoreDown; then OnStoreUp and OnSignalsMissed.
  void GoDown();
  void ComeBack();
  bool down() const { return down_; }
  // How often a fault was injected.
  uint64_t faults() const { return faults_; }
  // For which entries DropMail was called, in order.
  const std::vector<EntryId>& dropped_mail() const { return dropped_mail_; }

  void SetListener(StoreListener* listener) override { listener_ = listener; }
  bool ReadsFollowAppends() const override { return reads_follow_appends_; }
  // As of a store where they do not. Before anybody asks.
  void HideThatReadsFollowAppends() { reads_follow_appends_ = false; }
  bool IsNear() const override { return is_near_; }
  void SetNear(bool is_near) { is_near_ = is_near; }

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
  void SetAudience(bool others) override { inner_->SetAudience(others); }
  void Leave(std::string incarnation, StatusCallback done) override;
  void ForgetInstance(std::string incarnation, StatusCallback done) override;

 private:
  // What a call is to meet. Without a delay, a late answer draws one.
  struct Fate {
    StoreFault fault = StoreFault::kNone;
    std::optional<absl::Duration> delay;
  };
  // An answer that waits for its time.
  struct Waiting {
    absl::Duration due;
    absl::AnyInvocable<void()> answer;
  };

  // Makes the call `start(done)` of the inner store, or not, as fate decides.
  template <typename Result, typename Done, typename Start>
  void Forward(StoreCall call, Done done, Start start);
  Fate Draw(StoreCall call);
  // In a later task.
  void AnswerSoon(absl::AnyInvocable<void()> answer);
  void GiveUpLater(absl::AnyInvocable<void()> answer);
  // Now, unless an earlier answer is still waiting or this one is late.
  void AnswerInOrder(Fate fate, absl::AnyInvocable<void()> answer);
  void Drain(std::deque<Waiting>& waiting, Timer& timer);

  void OnStreamAdvanced(absl::string_view stream) override;
  void OnEntriesReleased(absl::string_view stream, const GroupKey& group) override;
  void OnLeaseWanted(const LeaseWish& wish) override;
  void OnMail(const MailNotice& notice) override;
  void OnRegistryChanged() override;
  void OnInstancesChanged() override;
  void OnSignalsMissed() override;
  void OnStoreUp() override;
  void OnStoreDown(const absl::Status& why) override;
  void OnDropped(absl::string_view stream, const TrimResult& dropped) override;
  // Whom to tell now; nullptr: nobody.
  StoreListener* Hears() const { return down_ ? nullptr : listener_; }

  StreamStore* const inner_;
  Loop* const loop_;
  const Options options_;
  std::mt19937_64 random_;
  FaultRates rates_;
  std::map<StoreCall, FaultRates> rates_of_;
  std::map<StoreCall, std::deque<Fate>> script_;
  StoreListener* listener_ = nullptr;
  bool reads_follow_appends_ = true;
  bool is_near_ = true;
  bool down_ = false;
  // Goes up when the store goes down: answers to calls of an earlier one are lost.
  uint64_t connection_ = 0;
  uint64_t faults_ = 0;
  std::vector<EntryId> dropped_mail_;
  std::deque<Waiting> late_;
  std::deque<Waiting> lost_;
  std::unique_ptr<Timer> late_timer_;
  std::unique_ptr<Timer> lost_timer_;
  // Gone with this object: what comes back later finds that out.
  std::shared_ptr<FaultyStore*> self_;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_SUPPORT_FAULTY_STORE_H_
