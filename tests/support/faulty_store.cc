#include "tests/support/faulty_store.h"

#include <algorithm>

namespace eventbus {

FaultyStore::FaultyStore(StreamStore* inner, Loop* loop, Options options)
    : inner_(inner),
      loop_(loop),
      options_(options),
      random_(options.seed),
      late_timer_(loop->CreateTimer([this] { Drain(late_, *late_timer_); })),
      lost_timer_(loop->CreateTimer([this] { Drain(lost_, *lost_timer_); })),
      self_(std::make_shared<FaultyStore*>(this)) {
  inner_->SetListener(this);
}

FaultyStore::~FaultyStore() { inner_->SetListener(nullptr); }

void FaultyStore::SetRates(FaultRates rates) {
  rates_ = rates;
  rates_of_.clear();
}

void FaultyStore::SetRates(StoreCall call, FaultRates rates) { rates_of_[call] = rates; }

void FaultyStore::FailNext(StoreCall call, StoreFault fault) {
  script_[call].push_back({fault, std::nullopt});
}

void FaultyStore::DelayNext(StoreCall call, absl::Duration delay) {
  script_[call].push_back({StoreFault::kReplyLate, delay});
}

void FaultyStore::GoDown() {
  if (down_) return;
  ++connection_;
  if (listener_ != nullptr) listener_->OnStoreDown(NotDoneError("the store is unreachable"));
  down_ = true;
}

void FaultyStore::ComeBack() {
  if (!down_) return;
  down_ = false;
  if (listener_ != nullptr) listener_->OnStoreUp();
  if (listener_ != nullptr) listener_->OnSignalsMissed();
}

FaultyStore::Fate FaultyStore::Draw(StoreCall call) {
  auto& script = script_[call];
  if (!script.empty()) {
    const Fate fate = script.front();
    script.pop_front();
    return fate;
  }
  const auto own = rates_of_.find(call);
  const FaultRates& rates = own == rates_of_.end() ? rates_ : own->second;
  // Always drawn, so that other rates do not shift what comes later.
  double chance = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  if ((chance -= rates.not_done) < 0) return {StoreFault::kNotDone, {}};
  if ((chance -= rates.reply_lost) < 0) return {StoreFault::kReplyLost, {}};
  if ((chance -= rates.reply_late) < 0) return {StoreFault::kReplyLate, {}};
  return {};
}

template <typename Result, typename Done, typename Start>
void FaultyStore::Forward(StoreCall call, Done done, Start start) {
  const Fate fate = Draw(call);
  const StoreFault fault = fate.fault;
  if (fault != StoreFault::kNone) ++faults_;
  if (down_ || fault == StoreFault::kNotDone) {
    AnswerSoon(
        [done = std::move(done)]() mutable { done(NotDoneError("the store is unreachable")); });
    return;
  }
  if (fault == StoreFault::kNoStream) {
    AnswerSoon([done = std::move(done)]() mutable {
      done(absl::NotFoundError("there is no such stream"));
    });
    return;
  }
  if (fault == StoreFault::kReplyLost) {
    GiveUpLater([done = std::move(done)]() mutable {
      done(OutcomeUnknownError("the store did not answer in time"));
    });
    start([](Result) {});
    return;
  }
  start([self = std::weak_ptr<FaultyStore*>(self_), done = std::move(done), fate,
         connection = connection_](Result result) mutable {
    const auto alive = self.lock();
    if (alive == nullptr) return;
    FaultyStore& store = **alive;
    if (store.connection_ != connection) {
      result = OutcomeUnknownError("the connection to the store broke");
    }
    store.AnswerInOrder(fate, [done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  });
}

void FaultyStore::AnswerSoon(absl::AnyInvocable<void()> answer) {
  loop_->Post([self = std::weak_ptr<FaultyStore*>(self_), answer = std::move(answer)]() mutable {
    if (self.lock() != nullptr) answer();
  });
}

void FaultyStore::GiveUpLater(absl::AnyInvocable<void()> answer) {
  lost_.push_back({loop_->MonotonicNow() + options_.timeout, std::move(answer)});
  if (!lost_timer_->armed()) lost_timer_->Arm(options_.timeout);
}

void FaultyStore::AnswerInOrder(Fate fate, absl::AnyInvocable<void()> answer) {
  const absl::Duration now = loop_->MonotonicNow();
  absl::Duration due = late_.empty() ? now : late_.back().due;
  if (fate.fault == StoreFault::kReplyLate) {
    const auto most = static_cast<uint64_t>(absl::ToInt64Microseconds(options_.max_delay));
    due = std::max(
        due,
        now + (fate.delay.has_value() ? *fate.delay : absl::Microseconds(random_() % (most + 1))));
  }
  if (due <= now && late_.empty()) {
    answer();
    return;
  }
  late_.push_back({due, std::move(answer)});
  if (!late_timer_->armed()) late_timer_->Arm(late_.front().due - now);
}

void FaultyStore::Drain(std::deque<Waiting>& waiting, Timer& timer) {
  const std::weak_ptr<FaultyStore*> self = self_;
  while (!waiting.empty() && waiting.front().due <= loop_->MonotonicNow()) {
    auto answer = std::move(waiting.front().answer);
    waiting.pop_front();
    answer();
    // The answer may have destroyed this store.
    if (self.expired()) return;
  }
  if (!waiting.empty()) timer.Arm(waiting.front().due - loop_->MonotonicNow());
}

// ---- What the inner store tells ----

void FaultyStore::OnStreamAdvanced(absl::string_view stream) {
  if (Hears() != nullptr) Hears()->OnStreamAdvanced(stream);
}
void FaultyStore::OnEntriesReleased(absl::string_view stream, const GroupKey& group) {
  if (Hears() != nullptr) Hears()->OnEntriesReleased(stream, group);
}
void FaultyStore::OnLeaseWanted(const LeaseWish& wish) {
  if (Hears() != nullptr) Hears()->OnLeaseWanted(wish);
}
void FaultyStore::OnMail(const MailNotice& notice) {
  if (Hears() != nullptr) Hears()->OnMail(notice);
}
void FaultyStore::OnRegistryChanged() {
  if (Hears() != nullptr) Hears()->OnRegistryChanged();
}
void FaultyStore::OnInstancesChanged() {
  if (Hears() != nullptr) Hears()->OnInstancesChanged();
}
void FaultyStore::OnSignalsMissed() {
  if (Hears() != nullptr) Hears()->OnSignalsMissed();
}
void FaultyStore::OnStoreUp() {
  if (Hears() != nullptr) Hears()->OnStoreUp();
}
void FaultyStore::OnStoreDown(const absl::Status& why) {
  if (Hears() != nullptr) Hears()->OnStoreDown(why);
}
// Not a signal that a network could lose: the store's own count.
void FaultyStore::OnDropped(absl::string_view stream, const TrimResult& dropped) {
  if (listener_ != nullptr) listener_->OnDropped(stream, dropped);
}

// ---- The calls ----

void FaultyStore::RegisterType(std::string stream, uint64_t max_types,
                               Callback<TypeRegistration> done) {
  Forward<absl::StatusOr<TypeRegistration>>(
      StoreCall::kRegisterType, std::move(done),
      [&](auto answer) { inner_->RegisterType(std::move(stream), max_types, std::move(answer)); });
}

void FaultyStore::ListTypes(Callback<std::vector<TypeRecord>> done) {
  Forward<absl::StatusOr<std::vector<TypeRecord>>>(
      StoreCall::kListTypes, std::move(done),
      [&](auto answer) { inner_->ListTypes(std::move(answer)); });
}

void FaultyStore::RegisterGroup(std::string name, std::string definition, uint64_t max_groups,
                                Callback<GroupRegistration> done) {
  Forward<absl::StatusOr<GroupRegistration>>(
      StoreCall::kRegisterGroup, std::move(done), [&](auto answer) {
        inner_->RegisterGroup(std::move(name), std::move(definition), max_groups,
                              std::move(answer));
      });
}

void FaultyStore::UpdateGroup(GroupRecord changed, uint64_t expected_version,
                              Callback<GroupRecord> done) {
  Forward<absl::StatusOr<GroupRecord>>(StoreCall::kUpdateGroup, std::move(done), [&](auto answer) {
    inner_->UpdateGroup(std::move(changed), expected_version, std::move(answer));
  });
}

void FaultyStore::UnregisterGroup(std::string name, uint64_t expected_version,
                                  StatusCallback done) {
  Forward<absl::Status>(StoreCall::kUnregisterGroup, std::move(done), [&](auto answer) {
    inner_->UnregisterGroup(std::move(name), expected_version, std::move(answer));
  });
}

void FaultyStore::ListGroups(Callback<std::vector<GroupRecord>> done) {
  Forward<absl::StatusOr<std::vector<GroupRecord>>>(
      StoreCall::kListGroups, std::move(done),
      [&](auto answer) { inner_->ListGroups(std::move(answer)); });
}

void FaultyStore::Append(AppendRequest request, Callback<EntryId> done) {
  Forward<absl::StatusOr<EntryId>>(StoreCall::kAppend, std::move(done), [&](auto answer) {
    inner_->Append(std::move(request), std::move(answer));
  });
}

void FaultyStore::CreateStream(CreateStreamRequest request, Callback<CreateStreamResult> done) {
  Forward<absl::StatusOr<CreateStreamResult>>(
      StoreCall::kCreateStream, std::move(done),
      [&](auto answer) { inner_->CreateStream(std::move(request), std::move(answer)); });
}

void FaultyStore::ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) {
  Forward<absl::StatusOr<std::vector<Entry>>>(
      StoreCall::kReadRange, std::move(done),
      [&](auto answer) { inner_->ReadRange(std::move(request), std::move(answer)); });
}

void FaultyStore::GetStreamInfo(std::string stream, Callback<StreamInfo> done) {
  Forward<absl::StatusOr<StreamInfo>>(StoreCall::kGetStreamInfo, std::move(done), [&](auto answer) {
    inner_->GetStreamInfo(std::move(stream), std::move(answer));
  });
}

void FaultyStore::Trim(TrimRequest request, Callback<TrimResult> done) {
  Forward<absl::StatusOr<TrimResult>>(StoreCall::kTrim, std::move(done), [&](auto answer) {
    inner_->Trim(std::move(request), std::move(answer));
  });
}

void FaultyStore::AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) {
  Forward<absl::StatusOr<AppendOnceResult>>(
      StoreCall::kAppendOnce, std::move(done),
      [&](auto answer) { inner_->AppendOnce(std::move(request), std::move(answer)); });
}

void FaultyStore::MoveDue(MoveDueRequest request, Callback<MoveDueResult> done) {
  Forward<absl::StatusOr<MoveDueResult>>(StoreCall::kMoveDue, std::move(done), [&](auto answer) {
    inner_->MoveDue(std::move(request), std::move(answer));
  });
}

void FaultyStore::ListDue(uint64_t max_streams, Callback<ListDueResult> done) {
  Forward<absl::StatusOr<ListDueResult>>(StoreCall::kListDue, std::move(done), [&](auto answer) {
    inner_->ListDue(max_streams, std::move(answer));
  });
}

void FaultyStore::GetDelayedInfo(std::string stream, Callback<DelayedInfo> done) {
  Forward<absl::StatusOr<DelayedInfo>>(
      StoreCall::kGetDelayedInfo, std::move(done),
      [&](auto answer) { inner_->GetDelayedInfo(std::move(stream), std::move(answer)); });
}

void FaultyStore::ListDelayed(ListDelayedRequest request,
                              Callback<std::vector<DelayedEvent>> done) {
  Forward<absl::StatusOr<std::vector<DelayedEvent>>>(
      StoreCall::kListDelayed, std::move(done),
      [&](auto answer) { inner_->ListDelayed(std::move(request), std::move(answer)); });
}

void FaultyStore::CancelDelayed(std::string stream, std::string id, Callback<DelayedEvent> done) {
  Forward<absl::StatusOr<DelayedEvent>>(
      StoreCall::kCancelDelayed, std::move(done), [&](auto answer) {
        inner_->CancelDelayed(std::move(stream), std::move(id), std::move(answer));
      });
}

void FaultyStore::CreateGroup(CreateGroupRequest request, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kCreateGroup, std::move(done), [&](auto answer) {
    inner_->CreateGroup(std::move(request), std::move(answer));
  });
}

void FaultyStore::DestroyGroup(std::string stream, GroupKey group, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kDestroyGroup, std::move(done), [&](auto answer) {
    inner_->DestroyGroup(std::move(stream), std::move(group), std::move(answer));
  });
}

void FaultyStore::ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) {
  Forward<absl::StatusOr<ReadGroupResult>>(
      StoreCall::kReadGroup, std::move(done),
      [&](auto answer) { inner_->ReadGroup(std::move(request), std::move(answer)); });
}

void FaultyStore::ReadPending(ReadPendingRequest request,
                              Callback<std::vector<PendingEntry>> done) {
  Forward<absl::StatusOr<std::vector<PendingEntry>>>(
      StoreCall::kReadPending, std::move(done),
      [&](auto answer) { inner_->ReadPending(std::move(request), std::move(answer)); });
}

void FaultyStore::Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
                      Callback<uint64_t> done) {
  Forward<absl::StatusOr<uint64_t>>(StoreCall::kAck, std::move(done), [&](auto answer) {
    inner_->Ack(std::move(stream), std::move(group), std::move(ids), std::move(answer));
  });
}

void FaultyStore::WriteStates(std::string stream, GroupKey group, std::string consumer,
                              std::vector<EntryState> states, Callback<uint64_t> done) {
  Forward<absl::StatusOr<uint64_t>>(StoreCall::kWriteStates, std::move(done), [&](auto answer) {
    inner_->WriteStates(std::move(stream), std::move(group), std::move(consumer), std::move(states),
                        std::move(answer));
  });
}

void FaultyStore::ReadStates(std::string stream, GroupKey group, std::vector<EntryId> ids,
                             Callback<std::vector<EntryState>> done) {
  Forward<absl::StatusOr<std::vector<EntryState>>>(
      StoreCall::kReadStates, std::move(done), [&](auto answer) {
        inner_->ReadStates(std::move(stream), std::move(group), std::move(ids), std::move(answer));
      });
}

void FaultyStore::Claim(ClaimRequest request, Callback<ClaimResult> done) {
  Forward<absl::StatusOr<ClaimResult>>(StoreCall::kClaim, std::move(done), [&](auto answer) {
    inner_->Claim(std::move(request), std::move(answer));
  });
}

void FaultyStore::Release(ReleaseRequest request, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kRelease, std::move(done), [&](auto answer) {
    inner_->Release(std::move(request), std::move(answer));
  });
}

void FaultyStore::ListConsumers(std::string stream, GroupKey group,
                                Callback<std::vector<ConsumerInfo>> done) {
  Forward<absl::StatusOr<std::vector<ConsumerInfo>>>(
      StoreCall::kListConsumers, std::move(done), [&](auto answer) {
        inner_->ListConsumers(std::move(stream), std::move(group), std::move(answer));
      });
}

void FaultyStore::RemoveConsumer(std::string stream, GroupKey group, std::string consumer,
                                 Callback<bool> done) {
  Forward<absl::StatusOr<bool>>(StoreCall::kRemoveConsumer, std::move(done), [&](auto answer) {
    inner_->RemoveConsumer(std::move(stream), std::move(group), std::move(consumer),
                           std::move(answer));
  });
}

void FaultyStore::Bury(BuryRequest request, Callback<BuryResult> done) {
  Forward<absl::StatusOr<BuryResult>>(StoreCall::kBury, std::move(done), [&](auto answer) {
    inner_->Bury(std::move(request), std::move(answer));
  });
}

void FaultyStore::ReadLetters(ReadLettersRequest request,
                              Callback<std::vector<StoredLetter>> done) {
  Forward<absl::StatusOr<std::vector<StoredLetter>>>(
      StoreCall::kReadLetters, std::move(done),
      [&](auto answer) { inner_->ReadLetters(std::move(request), std::move(answer)); });
}

void FaultyStore::CountLetters(std::string stream, std::string group, Callback<uint64_t> done) {
  Forward<absl::StatusOr<uint64_t>>(StoreCall::kCountLetters, std::move(done), [&](auto answer) {
    inner_->CountLetters(std::move(stream), std::move(group), std::move(answer));
  });
}

void FaultyStore::AcquireLease(LeaseRequest request, Callback<LeaseResult> done) {
  Forward<absl::StatusOr<LeaseResult>>(StoreCall::kAcquireLease, std::move(done), [&](auto answer) {
    inner_->AcquireLease(std::move(request), std::move(answer));
  });
}

void FaultyStore::ReleaseLease(std::string stream, GroupKey group, std::string owner,
                               StatusCallback done) {
  Forward<absl::Status>(StoreCall::kReleaseLease, std::move(done), [&](auto answer) {
    inner_->ReleaseLease(std::move(stream), std::move(group), std::move(owner), std::move(answer));
  });
}

void FaultyStore::WishForLease(LeaseWish wish) {
  if (Hears() != nullptr) inner_->WishForLease(std::move(wish));
}

void FaultyStore::LeaveMail(LeaveMailRequest request, Callback<std::vector<MailOutcome>> done) {
  Forward<absl::StatusOr<std::vector<MailOutcome>>>(
      StoreCall::kLeaveMail, std::move(done),
      [&](auto answer) { inner_->LeaveMail(std::move(request), std::move(answer)); });
}

void FaultyStore::DropMail(std::string stream, GroupKey group, std::string consumer,
                           std::vector<EntryId> ids) {
  dropped_mail_.insert(dropped_mail_.end(), ids.begin(), ids.end());
  if (Hears() == nullptr) return;
  inner_->DropMail(std::move(stream), std::move(group), std::move(consumer), std::move(ids));
}

void FaultyStore::RemoveLetters(std::string stream, std::string group, std::vector<EntryId> ids,
                                Callback<uint64_t> done) {
  Forward<absl::StatusOr<uint64_t>>(StoreCall::kRemoveLetters, std::move(done), [&](auto answer) {
    inner_->RemoveLetters(std::move(stream), std::move(group), std::move(ids), std::move(answer));
  });
}

void FaultyStore::Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
                          Callback<std::vector<EntryId>> done) {
  Forward<absl::StatusOr<std::vector<EntryId>>>(
      StoreCall::kRedrive, std::move(done), [&](auto answer) {
        inner_->Redrive(std::move(stream), std::move(group), std::move(ids), std::move(answer));
      });
}

void FaultyStore::DropLetters(std::string stream, std::string group, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kDropLetters, std::move(done), [&](auto answer) {
    inner_->DropLetters(std::move(stream), std::move(group), std::move(answer));
  });
}

void FaultyStore::GetGroupInfo(GroupInfoRequest request, Callback<GroupInfo> done) {
  Forward<absl::StatusOr<GroupInfo>>(StoreCall::kGetGroupInfo, std::move(done), [&](auto answer) {
    inner_->GetGroupInfo(std::move(request), std::move(answer));
  });
}

void FaultyStore::ListStates(std::string stream, GroupKey group, uint32_t max_states,
                             Callback<std::vector<EntryState>> done) {
  Forward<absl::StatusOr<std::vector<EntryState>>>(
      StoreCall::kListStates, std::move(done), [&](auto answer) {
        inner_->ListStates(std::move(stream), std::move(group), max_states, std::move(answer));
      });
}

void FaultyStore::RemoveGroup(std::string stream, std::string group, uint64_t up_to_generation,
                              StatusCallback done) {
  Forward<absl::Status>(StoreCall::kRemoveGroup, std::move(done), [&](auto answer) {
    inner_->RemoveGroup(std::move(stream), std::move(group), up_to_generation, std::move(answer));
  });
}

void FaultyStore::UnregisterType(std::string stream, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kUnregisterType, std::move(done), [&](auto answer) {
    inner_->UnregisterType(std::move(stream), std::move(answer));
  });
}

void FaultyStore::DeleteStream(std::string stream, std::vector<std::string> groups,
                               StatusCallback done) {
  Forward<absl::Status>(StoreCall::kDeleteStream, std::move(done), [&](auto answer) {
    inner_->DeleteStream(std::move(stream), std::move(groups), std::move(answer));
  });
}

void FaultyStore::PutStats(InstanceStats stats, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kPutStats, std::move(done), [&](auto answer) {
    inner_->PutStats(std::move(stats), std::move(answer));
  });
}

void FaultyStore::ListStats(Callback<std::vector<InstanceStats>> done) {
  Forward<absl::StatusOr<std::vector<InstanceStats>>>(
      StoreCall::kListStats, std::move(done),
      [&](auto answer) { inner_->ListStats(std::move(answer)); });
}

void FaultyStore::Heartbeat(HeartbeatRequest request, Callback<HeartbeatResult> done) {
  Forward<absl::StatusOr<HeartbeatResult>>(
      StoreCall::kHeartbeat, std::move(done),
      [&](auto answer) { inner_->Heartbeat(std::move(request), std::move(answer)); });
}

void FaultyStore::Leave(std::string incarnation, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kLeave, std::move(done), [&](auto answer) {
    inner_->Leave(std::move(incarnation), std::move(answer));
  });
}

void FaultyStore::ForgetInstance(std::string incarnation, StatusCallback done) {
  Forward<absl::Status>(StoreCall::kForgetInstance, std::move(done), [&](auto answer) {
    inner_->ForgetInstance(std::move(incarnation), std::move(answer));
  });
}

}  // namespace eventbus
