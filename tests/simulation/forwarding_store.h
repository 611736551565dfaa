#ifndef EVENTBUS_TESTS_SIMULATION_FORWARDING_STORE_H_
#define EVENTBUS_TESTS_SIMULATION_FORWARDING_STORE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/store/stream_store.h"

namespace eventbus::simulation {

// ForwardingStore passes every call on to another store (not owned, outlives it): the base of
// stores that do one thing otherwise.
class ForwardingStore : public StreamStore {
 public:
  explicit ForwardingStore(StreamStore* inner) : inner_(inner) {}

  void SetListener(StoreListener* listener) override { inner_->SetListener(listener); }
  bool ReadsFollowAppends() const override { return inner_->ReadsFollowAppends(); }
  bool IsNear() const override { return inner_->IsNear(); }
  void RegisterType(std::string stream, uint64_t max_types,
                    Callback<TypeRegistration> done) override {
    inner_->RegisterType(std::move(stream), max_types, std::move(done));
  }
  void ListTypes(Callback<std::vector<TypeRecord>> done) override {
    inner_->ListTypes(std::move(done));
  }
  void RegisterGroup(std::string name, std::string definition, uint64_t max_groups,
                     Callback<GroupRegistration> done) override {
    inner_->RegisterGroup(std::move(name), std::move(definition), max_groups, std::move(done));
  }
  void UpdateGroup(GroupRecord changed, uint64_t expected_version,
                   Callback<GroupRecord> done) override {
    inner_->UpdateGroup(std::move(changed), expected_version, std::move(done));
  }
  void UnregisterGroup(std::string name, uint64_t expected_version, StatusCallback done) override {
    inner_->UnregisterGroup(std::move(name), expected_version, std::move(done));
  }
  void ListGroups(Callback<std::vector<GroupRecord>> done) override {
    inner_->ListGroups(std::move(done));
  }
  void Append(AppendRequest request, Callback<EntryId> done) override {
    inner_->Append(std::move(request), std::move(done));
  }
  void CreateStream(CreateStreamRequest request, Callback<CreateStreamResult> done) override {
    inner_->CreateStream(std::move(request), std::move(done));
  }
  void ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) override {
    inner_->ReadRange(std::move(request), std::move(done));
  }
  void GetStreamInfo(std::string stream, Callback<StreamInfo> done) override {
    inner_->GetStreamInfo(std::move(stream), std::move(done));
  }
  void Trim(TrimRequest request, Callback<TrimResult> done) override {
    inner_->Trim(std::move(request), std::move(done));
  }
  void AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) override {
    inner_->AppendOnce(std::move(request), std::move(done));
  }
  void MoveDue(MoveDueRequest request, Callback<MoveDueResult> done) override {
    inner_->MoveDue(std::move(request), std::move(done));
  }
  void ListDue(uint64_t max_streams, Callback<ListDueResult> done) override {
    inner_->ListDue(max_streams, std::move(done));
  }
  void GetDelayedInfo(std::string stream, Callback<DelayedInfo> done) override {
    inner_->GetDelayedInfo(std::move(stream), std::move(done));
  }
  void ListDelayed(ListDelayedRequest request, Callback<std::vector<DelayedEvent>> done) override {
    inner_->ListDelayed(std::move(request), std::move(done));
  }
  void CancelDelayed(std::string stream, std::string id, Callback<DelayedEvent> done) override {
    inner_->CancelDelayed(std::move(stream), std::move(id), std::move(done));
  }
  void CreateGroup(CreateGroupRequest request, StatusCallback done) override {
    inner_->CreateGroup(std::move(request), std::move(done));
  }
  void DestroyGroup(std::string stream, GroupKey group, StatusCallback done) override {
    inner_->DestroyGroup(std::move(stream), std::move(group), std::move(done));
  }
  void ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) override {
    inner_->ReadGroup(std::move(request), std::move(done));
  }
  void ReadPending(ReadPendingRequest request, Callback<std::vector<PendingEntry>> done) override {
    inner_->ReadPending(std::move(request), std::move(done));
  }
  void Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
           Callback<uint64_t> done) override {
    inner_->Ack(std::move(stream), std::move(group), std::move(ids), std::move(done));
  }
  void WriteStates(std::string stream, GroupKey group, std::string consumer,
                   std::vector<EntryState> states, Callback<uint64_t> done) override {
    inner_->WriteStates(std::move(stream), std::move(group), std::move(consumer), std::move(states),
                        std::move(done));
  }
  void ReadStates(std::string stream, GroupKey group, std::vector<EntryId> ids,
                  Callback<std::vector<EntryState>> done) override {
    inner_->ReadStates(std::move(stream), std::move(group), std::move(ids), std::move(done));
  }
  void Claim(ClaimRequest request, Callback<ClaimResult> done) override {
    inner_->Claim(std::move(request), std::move(done));
  }
  void Release(ReleaseRequest request, StatusCallback done) override {
    inner_->Release(std::move(request), std::move(done));
  }
  void AcquireLease(LeaseRequest request, Callback<LeaseResult> done) override {
    inner_->AcquireLease(std::move(request), std::move(done));
  }
  void ReleaseLease(std::string stream, GroupKey group, std::string owner,
                    StatusCallback done) override {
    inner_->ReleaseLease(std::move(stream), std::move(group), std::move(owner), std::move(done));
  }
  void WishForLease(LeaseWish wish) override { inner_->WishForLease(std::move(wish)); }
  void LeaveMail(LeaveMailRequest request, Callback<std::vector<MailOutcome>> done) override {
    inner_->LeaveMail(std::move(request), std::move(done));
  }
  void DropMail(std::string stream, GroupKey group, std::string consumer,
                std::vector<EntryId> ids) override {
    inner_->DropMail(std::move(stream), std::move(group), std::move(consumer), std::move(ids));
  }
  void ListConsumers(std::string stream, GroupKey group,
                     Callback<std::vector<ConsumerInfo>> done) override {
    inner_->ListConsumers(std::move(stream), std::move(group), std::move(done));
  }
  void RemoveConsumer(std::string stream, GroupKey group, std::string consumer,
                      Callback<bool> done) override {
    inner_->RemoveConsumer(std::move(stream), std::move(group), std::move(consumer),
                           std::move(done));
  }
  void Bury(BuryRequest request, Callback<BuryResult> done) override {
    inner_->Bury(std::move(request), std::move(done));
  }
  void ReadLetters(ReadLettersRequest request, Callback<std::vector<StoredLetter>> done) override {
    inner_->ReadLetters(std::move(request), std::move(done));
  }
  void CountLetters(std::string stream, std::string group, Callback<uint64_t> done) override {
    inner_->CountLetters(std::move(stream), std::move(group), std::move(done));
  }
  void RemoveLetters(std::string stream, std::string group, std::vector<EntryId> ids,
                     Callback<uint64_t> done) override {
    inner_->RemoveLetters(std::move(stream), std::move(group), std::move(ids), std::move(done));
  }
  void Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
               Callback<std::vector<EntryId>> done) override {
    inner_->Redrive(std::move(stream), std::move(group), std::move(ids), std::move(done));
  }
  void DropLetters(std::string stream, std::string group, StatusCallback done) override {
    inner_->DropLetters(std::move(stream), std::move(group), std::move(done));
  }
  void GetGroupInfo(GroupInfoRequest request, Callback<GroupInfo> done) override {
    inner_->GetGroupInfo(std::move(request), std::move(done));
  }
  void ListStates(std::string stream, GroupKey group, uint32_t max_states,
                  Callback<std::vector<EntryState>> done) override {
    inner_->ListStates(std::move(stream), std::move(group), max_states, std::move(done));
  }
  void RemoveGroup(std::string stream, std::string group, uint64_t up_to_generation,
                   StatusCallback done) override {
    inner_->RemoveGroup(std::move(stream), std::move(group), up_to_generation, std::move(done));
  }
  void UnregisterType(std::string stream, StatusCallback done) override {
    inner_->UnregisterType(std::move(stream), std::move(done));
  }
  void DeleteStream(std::string stream, std::vector<std::string> groups,
                    StatusCallback done) override {
    inner_->DeleteStream(std::move(stream), std::move(groups), std::move(done));
  }
  void PutStats(InstanceStats stats, StatusCallback done) override {
    inner_->PutStats(std::move(stats), std::move(done));
  }
  void ListStats(Callback<std::vector<InstanceStats>> done) override {
    inner_->ListStats(std::move(done));
  }
  void Heartbeat(HeartbeatRequest request, Callback<HeartbeatResult> done) override {
    inner_->Heartbeat(std::move(request), std::move(done));
  }
  void SetAudience(bool others) override { inner_->SetAudience(others); }
  void Leave(std::string incarnation, StatusCallback done) override {
    inner_->Leave(std::move(incarnation), std::move(done));
  }
  void ForgetInstance(std::string incarnation, StatusCallback done) override {
    inner_->ForgetInstance(std::move(incarnation), std::move(done));
  }

 protected:
  StreamStore& inner() { return *inner_; }

 private:
  StreamStore* const inner_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_FORWARDING_STORE_H_
