#ifndef EVENTBUS_TESTS_CONFORMANCE_STORE_STORE_CONFORMANCE_H_
#define EVENTBUS_TESTS_CONFORMANCE_STORE_STORE_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "server/loop/loop.h"
#include "server/store/stream_store.h"

namespace eventbus {

// One store, empty at first, and the loop on which its connections live. What a store brings to the
// suite:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformanceTest, ::testing::Values(StoreFactory{"Direct",
//   MakeDirect}));
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  // Another instance's connection. Called on the loop; destroyed there.
  virtual std::unique_ptr<StreamStore> Connect() = 0;
  // Runs `task` on the loop and returns when it has run.
  virtual void Run(Task task) = 0;
  // Lets the loop go on until `condition`, which is looked at on the loop, holds. False: it never
  // did, for much longer than an answer takes.
  virtual bool WaitUntil(absl::FunctionRef<bool()> condition) = 0;
  // Lets the loop go on for long enough that whatever was to arrive has arrived.
  virtual void LetEverythingArrive() = 0;
};

struct StoreFactory {
  std::string name;
  std::function<std::unique_ptr<StoreWorld>()> make;
};

// Remembers what a store tells.
class RecordingListener final : public StoreListener {
 public:
  void OnStreamAdvanced(absl::string_view stream) override { advanced.emplace_back(stream); }
  void OnEntriesReleased(absl::string_view stream, const GroupKey& group) override {
    released.emplace_back(std::string(stream), group);
  }
  void OnLeaseWanted(const LeaseWish& wish) override { wishes.push_back(wish); }
  void OnMail(const MailNotice& notice) override { mail.push_back(notice); }
  void OnRegistryChanged() override { ++registry_changes; }
  void OnInstancesChanged() override { ++instance_changes; }
  void OnSignalsMissed() override { ++signals_missed; }
  void OnStoreUp() override {}
  void OnStoreDown(const absl::Status&) override {}
  void OnDropped(absl::string_view, const TrimResult&) override {}

  std::vector<std::string> advanced;
  std::vector<std::pair<std::string, GroupKey>> released;
  std::vector<LeaseWish> wishes;
  std::vector<MailNotice> mail;
  int registry_changes = 0;
  int instance_changes = 0;
  int signals_missed = 0;
};

// Two instances, a_ and b_, on one store, and the store's calls as verbs that wait for the answer.
class StoreConformanceTest : public ::testing::TestWithParam<StoreFactory> {
 protected:
  static constexpr char kStream[] = "order.completed.v1";
  // What a call that failed with NOT_FOUND and the like is compared by.
  static constexpr auto kNotFound = absl::StatusCode::kNotFound;

  void SetUp() override;
  void TearDown() override;

  // Makes the call `start(done)` on the loop, and waits for what `done` gets.
  template <typename T, typename Start>
  absl::StatusOr<T> Await(Start start) {
    std::optional<absl::StatusOr<T>> answer;
    world_->Run(
        [&] { start([&answer](absl::StatusOr<T> result) { answer = std::move(result); }); });
    if (!world_->WaitUntil([&] { return answer.has_value(); })) {
      ADD_FAILURE() << "the store never answered";
      return absl::DeadlineExceededError("no answer");
    }
    return *std::move(answer);
  }
  template <typename Start>
  absl::Status AwaitStatus(Start start) {
    std::optional<absl::Status> answer;
    world_->Run([&] { start([&answer](absl::Status result) { answer = std::move(result); }); });
    if (!world_->WaitUntil([&] { return answer.has_value(); })) {
      ADD_FAILURE() << "the store never answered";
      return absl::DeadlineExceededError("no answer");
    }
    return *std::move(answer);
  }

  // An entry of `events` events; its value need not be real for the store.
  static AppendRequest EntryOf(std::string stream, std::string value, uint32_t events = 1);

  // The following are for a_ where no store is named, on kStream and group_, and fail the test if
  // the call fails.
  absl::StatusOr<EntryId> TryAppend(StreamStore& store, std::string stream, std::string value,
                                    uint32_t events = 1);
  EntryId Append(std::string value, uint32_t events = 1);
  void CreateStream(std::string stream = kStream, std::vector<GroupKey> groups = {});
  // The stream with group_ on it.
  void CreateStreamWithGroup() { CreateStream(kStream, {group_}); }
  absl::Status CreateGroup(std::string stream, GroupKey group, std::optional<EntryId> after);

  // Events to be appended once to kStream: a key and a frame each.
  using KeyedFrames = std::vector<std::pair<std::string, std::string>>;
  static AppendOnceRequest OnceRequestOf(const KeyedFrames& events,
                                         absl::Duration window = absl::Minutes(10));
  absl::StatusOr<AppendOnceResult> TryAppendOnce(StreamStore& store, AppendOnceRequest request);
  std::vector<OnceOutcome> AppendOnce(const KeyedFrames& events,
                                      absl::Duration window = absl::Minutes(10));

  // Events without keys, delayed or not.
  using DelayedFrames = std::vector<std::pair<std::string, std::optional<DeliveryDelay>>>;
  static AppendOnceRequest DelayRequestOf(const DelayedFrames& events);
  AppendOnceResult Delay(const DelayedFrames& events, const std::string& stream = kStream);
  MoveDueResult MoveDue(MoveDueRequest request = {.stream = kStream});
  bool WaitUntilDue(absl::Time due);
  std::vector<DelayedEvent> ListDelayed(ListDelayedRequest request);
  absl::StatusOr<DelayedEvent> TryCancel(std::string id);
  void Cancel(std::string id) { EXPECT_TRUE(TryCancel(std::move(id)).ok()); }
  // As "stream:ms", after 4,000,000,000 s.
  std::vector<std::string> DueStreams(uint64_t max_streams = 0);

  std::vector<Entry> ReadRange(ReadRangeRequest request);
  // Values of all entries of a stream.
  std::vector<std::string> Values(std::string stream = kStream);
  StreamInfo Info(std::string stream = kStream);
  TrimResult Trim(TrimRequest request);

  absl::StatusOr<ReadGroupResult> TryReadGroup(StreamStore& store, ReadGroupRequest request);
  // What the group reads for the consumer.
  std::vector<std::string> ReadGroup(std::string consumer, uint32_t max_entries = 100);
  std::vector<std::string> ReadGroup(GroupKey group, std::string consumer,
                                     uint32_t max_entries = 100);
  std::vector<PendingEntry> Pending(std::string consumer = "");
  // Ids only.
  std::vector<EntryId> PendingIds(std::string consumer = "");
  uint64_t Ack(std::vector<EntryId> ids);
  uint64_t WriteStates(std::string consumer, std::vector<EntryState> states);
  // As "id=record".
  std::vector<std::string> ReadStates(std::vector<EntryId> ids);
  absl::StatusOr<ClaimResult> TryClaim(StreamStore& store, ClaimRequest request);
  ClaimResult Claim(std::string from, std::string to, uint32_t max_entries = 100);
  void Release(std::string consumer, std::vector<EntryId> ids, std::vector<EntryState> states = {});
  BuryResult Bury(std::string consumer, std::vector<BuriedEntry> entries, LetterBounds bounds = {});
  // A letter "<value>/why" of a new entry of its own, which is done with by it.
  void BuryOne(std::string value);
  std::vector<StoredLetter> ReadLetters(StreamStore& store, EntryId from = EntryId::Min(),
                                        uint32_t most = 100);
  // All letters as "event/details", as b_ sees them.
  std::vector<std::string> LetterTexts();
  uint64_t CountLetters();
  std::vector<EntryId> Redrive(std::vector<EntryId> ids);
  absl::StatusOr<GroupInfo> TryGroupInfo(GroupKey group, bool count_pending = true);
  GroupInfo GroupInfoOf(GroupKey group);
  // As "id=record".
  std::vector<std::string> ListStates(uint32_t max_states = 100);
  // Names and counts, as "name:2", sorted.
  std::vector<std::string> Consumers();
  bool RemoveConsumer(std::string consumer);
  absl::StatusOr<LeaseResult> TryAcquire(std::string owner, std::string gone = "");
  LeaseResult Acquire(std::string owner, std::string gone = "");
  void GiveBackLease(std::string owner);
  // As b_.
  absl::StatusOr<std::vector<MailOutcome>> TryLeaveMail(std::vector<Mail> mail);
  std::vector<MailOutcome> LeaveMail(std::vector<Mail> mail);
  // Of those that have mail or a record.
  std::vector<std::string> MailOf(std::vector<EntryId> ids);
  // So many entries whose mail is as large as may be fit into one answer.
  static constexpr size_t kFullMails = kMaxMailOfAnswer / kMaxMailBytes;
  // Two more of them than that, and behind them one without mail; all pending for "one".
  std::vector<EntryId> FillMail();
  // The values.
  absl::StatusOr<std::vector<std::string>> FencedRead(std::string consumer, uint64_t fence);
  absl::StatusOr<ClaimResult> FencedClaim(std::string from, std::string to, uint64_t fence);

  std::unique_ptr<StoreWorld> world_;
  const GroupKey group_{"analytics", 1};
  RecordingListener a_hears_;
  RecordingListener b_hears_;
  std::unique_ptr<StreamStore> a_;
  std::unique_ptr<StreamStore> b_;
};

// The values of entries.
std::vector<std::string> ValuesOf(const std::vector<Entry>& entries);
std::vector<std::string> ValuesOf(const std::vector<ClaimedEntry>& entries);

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_CONFORMANCE_STORE_STORE_CONFORMANCE_H_
