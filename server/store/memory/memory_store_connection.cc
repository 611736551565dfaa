#include "server/store/memory/memory_store_connection.h"

#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

namespace eventbus {
namespace {

// Store and broker on one loop: there is no way between them.
class SharedLoopLink final : public StoreLink {
 public:
  explicit SharedLoopLink(Loop* loop) : loop_(loop) {}
  void ToStore(Task task) override { std::move(task)(); }
  void ToBroker(Task task) override { loop_->Post(std::move(task)); }

 private:
  Loop* const loop_;
};

}  // namespace

// Ends with the connection (Close); whoever finds it closed does nothing.
class MemoryStoreConnection::Session final
    : public MemoryStore::Peer,
      public std::enable_shared_from_this<MemoryStoreConnection::Session> {
 public:
  Session(MemoryStore* store, std::shared_ptr<StoreLink> link)
      : store_(store), link_(std::move(link)), peer_(store->Attach(this)) {}

  void Close() {
    store_->Detach(peer_);
    closed_ = true;
    listener_ = nullptr;
    // Callbacks that will not be called go with the connection.
    requests_.clear();
  }

  void set_listener(StoreListener* listener) { listener_ = listener; }

  // True: it is the first since the last flush.
  bool Add(Request request) {
    requests_.push_back(std::move(request));
    return requests_.size() == 1;
  }

  void Flush() {
    std::vector<Request> left = std::exchange(requests_, {});
    while (!left.empty()) {
      const size_t count = link_->AtOnce(left.size());
      if (count >= left.size()) return Send(std::move(left));
      const auto end = left.begin() + static_cast<std::ptrdiff_t>(count);
      Send(std::vector<Request>(std::make_move_iterator(left.begin()),
                                std::make_move_iterator(end)));
      left.erase(left.begin(), end);
    }
  }

  void OnStreamAdvanced(absl::string_view stream) override {
    if (advanced_.insert(std::string(stream)).second) advanced_order_.emplace_back(stream);
    ScheduleSignals();
  }

  void OnEntriesReleased(absl::string_view stream, const GroupKey& group) override {
    released_.emplace(std::string(stream), group);
    ScheduleSignals();
  }

  void OnLeaseWanted(const LeaseWish& wish) override {
    wishes_.insert(wish);
    ScheduleSignals();
  }

  void OnMail(const MailNotice& notice) override {
    mail_.insert(notice);
    ScheduleSignals();
  }

  void OnRegistryChanged() override {
    registry_changed_ = true;
    ScheduleSignals();
  }

  void OnInstancesChanged() override {
    instances_changed_ = true;
    ScheduleSignals();
  }

  void OnSignalsMissed() override {
    signals_missed_ = true;
    ScheduleSignals();
  }

  void OnDropped(absl::string_view stream, const TrimResult& dropped) override {
    TrimResult& sum = dropped_[std::string(stream)];
    sum.entries += dropped.entries;
    sum.events += dropped.events;
    sum.bytes += dropped.bytes;
    for (const GroupLoss& loss : dropped.losses) AddLoss(loss, sum.losses);
    ScheduleSignals();
  }

 private:
  // They reach the store together.
  void Send(std::vector<Request> together) {
    link_->ToStore([session = shared_from_this(), requests = std::move(together)]() mutable {
      std::vector<Answer> answers;
      answers.reserve(requests.size());
      for (Request& request : requests) {
        answers.push_back(request(*session->store_, session->peer_));
      }
      session->link_->ToBroker([session, answers = std::move(answers)]() mutable {
        for (Answer& answer : answers) {
          if (session->closed_) return;
          answer();
          answer = nullptr;
        }
      });
    });
  }

  static void AddLoss(const GroupLoss& loss, std::vector<GroupLoss>& losses) {
    for (GroupLoss& known : losses) {
      if (known.group == loss.group) {
        known.events += loss.events;
        return;
      }
    }
    losses.push_back(loss);
  }

  void ScheduleSignals() {
    if (signals_on_their_way_ || closed_) return;
    signals_on_their_way_ = true;
    link_->ToBroker([session = shared_from_this()] { session->DeliverSignals(); });
  }

  void DeliverSignals() {
    signals_on_their_way_ = false;
    const std::vector<std::string> advanced = std::exchange(advanced_order_, {});
    advanced_.clear();
    const auto released = std::exchange(released_, {});
    const auto wishes = std::exchange(wishes_, {});
    const auto mail = std::exchange(mail_, {});
    const bool registry_changed = std::exchange(registry_changed_, false);
    const bool signals_missed = std::exchange(signals_missed_, false);
    const bool instances_changed = std::exchange(instances_changed_, false);
    const auto dropped = std::exchange(dropped_, {});
    // The listener may go away, or the connection, at any of them.
    if (registry_changed && listener_ != nullptr) listener_->OnRegistryChanged();
    for (const std::string& stream : advanced) {
      if (listener_ != nullptr) listener_->OnStreamAdvanced(stream);
    }
    for (const auto& [stream, group] : released) {
      if (listener_ != nullptr) listener_->OnEntriesReleased(stream, group);
    }
    for (const LeaseWish& wish : wishes) {
      if (listener_ != nullptr) listener_->OnLeaseWanted(wish);
    }
    for (const MailNotice& notice : mail) {
      if (listener_ != nullptr) listener_->OnMail(notice);
    }
    if (signals_missed && listener_ != nullptr) listener_->OnSignalsMissed();
    if (instances_changed && listener_ != nullptr) listener_->OnInstancesChanged();
    for (const auto& [stream, sum] : dropped) {
      if (listener_ != nullptr) listener_->OnDropped(stream, sum);
    }
  }

  MemoryStore* const store_;
  const std::shared_ptr<StoreLink> link_;
  const MemoryStore::PeerId peer_;
  StoreListener* listener_ = nullptr;
  bool closed_ = false;
  std::vector<Request> requests_;

  // Signals of a turn go together.
  bool signals_on_their_way_ = false;
  bool registry_changed_ = false;
  bool instances_changed_ = false;
  bool signals_missed_ = false;
  std::vector<std::string> advanced_order_;
  absl::flat_hash_set<std::string> advanced_;
  // These in the order of names, so that a simulation repeats.
  std::set<std::pair<std::string, GroupKey>> released_;
  std::set<LeaseWish> wishes_;
  std::set<MailNotice> mail_;
  std::map<std::string, TrimResult> dropped_;
};

MemoryStoreConnection::MemoryStoreConnection(MemoryStore* store, Loop* loop)
    : MemoryStoreConnection(store, loop, std::make_shared<SharedLoopLink>(loop)) {}

MemoryStoreConnection::MemoryStoreConnection(MemoryStore* store, Loop* loop,
                                             std::shared_ptr<StoreLink> link)
    : loop_(loop), session_(std::make_shared<Session>(store, std::move(link))) {}

MemoryStoreConnection::~MemoryStoreConnection() { session_->Close(); }

void MemoryStoreConnection::SetListener(StoreListener* listener) {
  session_->set_listener(listener);
}

void MemoryStoreConnection::Send(Request request) {
  if (!session_->Add(std::move(request))) return;
  loop_->DeferToLast([session = session_] { session->Flush(); });
}

void MemoryStoreConnection::RegisterType(std::string stream, uint64_t max_types,
                                         Callback<TypeRegistration> done) {
  Call(
      [stream = std::move(stream), max_types](MemoryStore& store, MemoryStore::PeerId) mutable {
        return store.RegisterType(stream, max_types);
      },
      std::move(done));
}

void MemoryStoreConnection::ListTypes(Callback<std::vector<TypeRecord>> done) {
  Call(
      [](MemoryStore& store, MemoryStore::PeerId) mutable {
        return absl::StatusOr<std::vector<TypeRecord>>(store.registry().ListTypes());
      },
      std::move(done));
}

void MemoryStoreConnection::RegisterGroup(std::string name, std::string definition,
                                          uint64_t max_groups, Callback<GroupRegistration> done) {
  Call(
      [name = std::move(name), definition = std::move(definition), max_groups](
          MemoryStore& store, MemoryStore::PeerId) mutable {
        return store.RegisterGroup(name, std::move(definition), max_groups);
      },
      std::move(done));
}

void MemoryStoreConnection::UpdateGroup(GroupRecord changed, uint64_t expected_version,
                                        Callback<GroupRecord> done) {
  Call(
      [changed = std::move(changed), expected_version](MemoryStore& store,
                                                       MemoryStore::PeerId) mutable {
        return store.UpdateGroup(std::move(changed), expected_version);
      },
      std::move(done));
}

void MemoryStoreConnection::UnregisterGroup(std::string name, uint64_t expected_version,
                                            StatusCallback done) {
  Call(
      [name = std::move(name), expected_version](MemoryStore& store, MemoryStore::PeerId) mutable {
        return store.UnregisterGroup(name, expected_version);
      },
      std::move(done));
}

void MemoryStoreConnection::ListGroups(Callback<std::vector<GroupRecord>> done) {
  Call(
      [](MemoryStore& store, MemoryStore::PeerId) mutable {
        return absl::StatusOr<std::vector<GroupRecord>>(store.registry().ListGroups());
      },
      std::move(done));
}

void MemoryStoreConnection::Append(AppendRequest request, Callback<EntryId> done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId peer) mutable {
        return store.Append(peer, std::move(request));
      },
      std::move(done));
}

void MemoryStoreConnection::CreateStream(CreateStreamRequest request,
                                         Callback<CreateStreamResult> done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId peer) mutable {
        return store.CreateStream(peer, std::move(request));
      },
      std::move(done));
}

void MemoryStoreConnection::ReadRange(ReadRangeRequest request, Callback<std::vector<Entry>> done) {
  Call([request = std::move(request)](
           MemoryStore& store, MemoryStore::PeerId) mutable { return store.ReadRange(request); },
       std::move(done));
}

void MemoryStoreConnection::GetStreamInfo(std::string stream, Callback<StreamInfo> done) {
  Call([stream = std::move(stream)](
           MemoryStore& store, MemoryStore::PeerId) mutable { return store.GetStreamInfo(stream); },
       std::move(done));
}

void MemoryStoreConnection::Trim(TrimRequest request, Callback<TrimResult> done) {
  Call([request = std::move(request)](MemoryStore& store,
                                      MemoryStore::PeerId) mutable { return store.Trim(request); },
       std::move(done));
}

void MemoryStoreConnection::AppendOnce(AppendOnceRequest request, Callback<AppendOnceResult> done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId peer) mutable {
        return store.AppendOnce(peer, std::move(request));
      },
      std::move(done));
}

void MemoryStoreConnection::MoveDue(MoveDueRequest request, Callback<MoveDueResult> done) {
  Call([request = std::move(request)](
           MemoryStore& store, MemoryStore::PeerId peer) { return store.MoveDue(peer, request); },
       std::move(done));
}

void MemoryStoreConnection::ListDue(uint64_t max_streams, Callback<ListDueResult> done) {
  Call(
      [max_streams](MemoryStore& store, MemoryStore::PeerId) { return store.ListDue(max_streams); },
      std::move(done));
}

void MemoryStoreConnection::GetDelayedInfo(std::string stream, Callback<DelayedInfo> done) {
  Call([stream = std::move(stream)](MemoryStore& store,
                                    MemoryStore::PeerId) { return store.GetDelayedInfo(stream); },
       std::move(done));
}

void MemoryStoreConnection::ListDelayed(ListDelayedRequest request,
                                        Callback<std::vector<DelayedEvent>> done) {
  Call([request = std::move(request)](MemoryStore& store,
                                      MemoryStore::PeerId) { return store.ListDelayed(request); },
       std::move(done));
}

void MemoryStoreConnection::CancelDelayed(std::string stream, std::string id,
                                          Callback<DelayedEvent> done) {
  Call([stream = std::move(stream), id = std::move(id)](
           MemoryStore& store, MemoryStore::PeerId) { return store.CancelDelayed(stream, id); },
       std::move(done));
}

void MemoryStoreConnection::CreateGroup(CreateGroupRequest request, StatusCallback done) {
  Call([request = std::move(request)](
           MemoryStore& store, MemoryStore::PeerId) mutable { return store.CreateGroup(request); },
       std::move(done));
}

void MemoryStoreConnection::DestroyGroup(std::string stream, GroupKey group, StatusCallback done) {
  Call([stream = std::move(stream), group = std::move(group)](
           MemoryStore& store,
           MemoryStore::PeerId) mutable { return store.DestroyGroup(stream, group); },
       std::move(done));
}

void MemoryStoreConnection::ReadGroup(ReadGroupRequest request, Callback<ReadGroupResult> done) {
  Call([request = std::move(request)](
           MemoryStore& store, MemoryStore::PeerId) mutable { return store.ReadGroup(request); },
       std::move(done));
}

void MemoryStoreConnection::ReadPending(ReadPendingRequest request,
                                        Callback<std::vector<PendingEntry>> done) {
  Call([request = std::move(request)](
           MemoryStore& store, MemoryStore::PeerId) mutable { return store.ReadPending(request); },
       std::move(done));
}

void MemoryStoreConnection::Ack(std::string stream, GroupKey group, std::vector<EntryId> ids,
                                Callback<uint64_t> done) {
  Call([stream = std::move(stream), group = std::move(group), ids = std::move(ids)](
           MemoryStore& store,
           MemoryStore::PeerId) mutable { return store.Ack(stream, group, ids); },
       std::move(done));
}

void MemoryStoreConnection::WriteStates(std::string stream, GroupKey group, std::string consumer,
                                        std::vector<EntryState> states, Callback<uint64_t> done) {
  Call(
      [stream = std::move(stream), group = std::move(group), consumer = std::move(consumer),
       states = std::move(states)](MemoryStore& store, MemoryStore::PeerId) mutable {
        return store.WriteStates(stream, group, consumer, std::move(states));
      },
      std::move(done));
}

void MemoryStoreConnection::ReadStates(std::string stream, GroupKey group, std::vector<EntryId> ids,
                                       Callback<std::vector<EntryState>> done) {
  Call([stream = std::move(stream), group = std::move(group), ids = std::move(ids)](
           MemoryStore& store,
           MemoryStore::PeerId) mutable { return store.ReadStates(stream, group, ids); },
       std::move(done));
}

void MemoryStoreConnection::Claim(ClaimRequest request, Callback<ClaimResult> done) {
  Call([request = std::move(request)](MemoryStore& store,
                                      MemoryStore::PeerId) mutable { return store.Claim(request); },
       std::move(done));
}

void MemoryStoreConnection::Release(ReleaseRequest request, StatusCallback done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId peer) mutable {
        return store.Release(peer, std::move(request));
      },
      std::move(done));
}

void MemoryStoreConnection::AcquireLease(LeaseRequest request, Callback<LeaseResult> done) {
  Call([request = std::move(request)](
           MemoryStore& store, MemoryStore::PeerId) mutable { return store.AcquireLease(request); },
       std::move(done));
}

void MemoryStoreConnection::ReleaseLease(std::string stream, GroupKey group, std::string owner,
                                         StatusCallback done) {
  Call(
      [stream = std::move(stream), group = std::move(group), owner = std::move(owner)](
          MemoryStore& store, MemoryStore::PeerId peer) mutable {
        return store.ReleaseLease(peer, stream, group, owner);
      },
      std::move(done));
}

void MemoryStoreConnection::WishForLease(LeaseWish wish) {
  Call(
      [wish = std::move(wish)](MemoryStore& store, MemoryStore::PeerId peer) mutable {
        store.WishForLease(peer, wish);
        return absl::OkStatus();
      },
      StatusCallback([](const absl::Status&) {}));
}

void MemoryStoreConnection::LeaveMail(LeaveMailRequest request,
                                      Callback<std::vector<MailOutcome>> done) {
  Call([request = std::move(request)](MemoryStore& store,
                                      MemoryStore::PeerId) { return store.LeaveMail(request); },
       std::move(done));
}

void MemoryStoreConnection::ListConsumers(std::string stream, GroupKey group,
                                          Callback<std::vector<ConsumerInfo>> done) {
  Call([stream = std::move(stream), group = std::move(group)](
           MemoryStore& store,
           MemoryStore::PeerId) mutable { return store.ListConsumers(stream, group); },
       std::move(done));
}

void MemoryStoreConnection::RemoveConsumer(std::string stream, GroupKey group, std::string consumer,
                                           Callback<bool> done) {
  Call([stream = std::move(stream), group = std::move(group), consumer = std::move(consumer)](
           MemoryStore& store,
           MemoryStore::PeerId) mutable { return store.RemoveConsumer(stream, group, consumer); },
       std::move(done));
}

void MemoryStoreConnection::Bury(BuryRequest request, Callback<BuryResult> done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId) mutable {
        return store.Bury(std::move(request));
      },
      std::move(done));
}

void MemoryStoreConnection::ReadLetters(ReadLettersRequest request,
                                        Callback<std::vector<StoredLetter>> done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId) {
        return absl::StatusOr<std::vector<StoredLetter>>(store.letters().Read(request));
      },
      std::move(done));
}

void MemoryStoreConnection::CountLetters(std::string stream, std::string group,
                                         Callback<uint64_t> done) {
  Call(
      [stream = std::move(stream), group = std::move(group)](MemoryStore& store,
                                                             MemoryStore::PeerId) {
        return absl::StatusOr<uint64_t>(store.letters().Count(stream, group));
      },
      std::move(done));
}

void MemoryStoreConnection::RemoveLetters(std::string stream, std::string group,
                                          std::vector<EntryId> ids, Callback<uint64_t> done) {
  Call(
      [stream = std::move(stream), group = std::move(group), ids = std::move(ids)](
          MemoryStore& store, MemoryStore::PeerId) {
        return absl::StatusOr<uint64_t>(store.letters().Take(stream, group, ids).size());
      },
      std::move(done));
}

void MemoryStoreConnection::Redrive(std::string stream, std::string group, std::vector<EntryId> ids,
                                    Callback<std::vector<EntryId>> done) {
  Call(
      [stream = std::move(stream), group = std::move(group), ids = std::move(ids)](
          MemoryStore& store, MemoryStore::PeerId peer) {
        return absl::StatusOr<std::vector<EntryId>>(store.Redrive(peer, stream, group, ids));
      },
      std::move(done));
}

void MemoryStoreConnection::DropLetters(std::string stream, std::string group,
                                        StatusCallback done) {
  Call(
      [stream = std::move(stream), group = std::move(group)](MemoryStore& store,
                                                             MemoryStore::PeerId) {
        store.DropLetters(stream, group);
        return absl::OkStatus();
      },
      std::move(done));
}

void MemoryStoreConnection::Heartbeat(HeartbeatRequest request, Callback<HeartbeatResult> done) {
  Call(
      [request = std::move(request)](MemoryStore& store, MemoryStore::PeerId peer) mutable {
        return absl::StatusOr<HeartbeatResult>(store.Heartbeat(peer, std::move(request)));
      },
      std::move(done));
}

void MemoryStoreConnection::SetAudience(bool others) {
  Call(
      [others](MemoryStore& store, MemoryStore::PeerId peer) {
        store.SetAudience(peer, others);
        return absl::OkStatus();
      },
      StatusCallback([](const absl::Status&) {}));
}

void MemoryStoreConnection::Leave(std::string incarnation, StatusCallback done) {
  Call(
      [incarnation = std::move(incarnation)](MemoryStore& store, MemoryStore::PeerId peer) {
        store.Leave(peer, incarnation);
        return absl::OkStatus();
      },
      std::move(done));
}

void MemoryStoreConnection::ForgetInstance(std::string incarnation, StatusCallback done) {
  Call(
      [incarnation = std::move(incarnation)](MemoryStore& store, MemoryStore::PeerId) {
        store.registry().ForgetInstance(incarnation);
        return absl::OkStatus();
      },
      std::move(done));
}

}  // namespace eventbus
