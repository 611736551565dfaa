#include "tests/simulation/simulated_instance.h"

#include <algorithm>
#include <utility>

#include "server/broker/reason.h"
#include "tests/simulation/event_frames.h"

namespace eventbus::simulation {
namespace {

constexpr absl::Duration kMinStoreLatency = absl::Microseconds(50);

std::vector<EventAnswer> AnswersOf(const PublishOutcome& outcome) {
  std::vector<EventAnswer> answers;
  for (const PublishedRun& run : outcome) {
    for (uint32_t i = 0; i < run.count; ++i) {
      EventAnswer answer;
      if (run.status.ok()) {
        answer.fate = PublishFate::kStored;
        answer.stream = run.stream;
        answer.delayed = !run.schedule_ids.empty();
        answer.position = {run.position.entry, run.position.index + i};
      } else if (ReasonOf(run.status) != Reason::kOutcomeUnknown) {
        answer.fate = PublishFate::kNotStored;
      }
      answers.push_back(std::move(answer));
    }
  }
  return answers;
}

SeenRun Parse(const DeliveryRun& run) {
  SeenRun seen;
  seen.first_delivery = run.first_delivery;
  seen.stream = *run.stream;
  seen.position = run.position;
  seen.attempt = run.attempt;
  seen.times_delivered = run.times_delivered;
  seen.last_reason = run.last_reason;
  seen.redriven = run.redriven;
  seen.events = EventsIn(run.events.view());
  return seen;
}

}  // namespace

// The server's side of one Subscribe call, as rpc has it.
class SimulatedInstance::Call final : public SubscriberSink {
 public:
  Call(VirtualWorld* world, Broker* broker, std::shared_ptr<Connection> connection,
       SubscriptionListener* listener)
      : world_(world), broker_(broker), connection_(std::move(connection)), listener_(listener) {}

  void Open(OpenRequest request) {
    id_ = broker_->Open(std::move(request), this);
    connection_->OnEndAtServer([this](bool abruptly) {
      broker_->Close(id_, abruptly ? CallEnd::kBroken : CallEnd::kInPeace);
    });
  }

  const Connection* connection() const { return connection_.get(); }
  SubscriptionId id() const { return id_; }

  void OnOpened(const OpenedInfo& opened) override {
    connection_->ToClient(
        [listener = listener_, created = opened.group_created] { listener->OnOpened(created); });
  }
  void OnDeliveries(std::vector<DeliveryRun> runs) override {
    std::vector<SeenRun> seen;
    uint64_t events = 0;
    uint64_t bytes = 0;
    for (const DeliveryRun& run : runs) {
      seen.push_back(Parse(run));
      events += run.count;
      bytes += run.events.size();
    }
    connection_->ToClient([this, seen = std::move(seen), events, bytes]() mutable {
      const absl::Duration pause = listener_->OnDelivered(std::move(seen));
      world_->Schedule(pause, [this, events, bytes] {
        connection_->ToServer([this, events, bytes] { broker_->Taken(id_, events, bytes); });
      });
    });
  }
  void OnSettled(const SettledInfo& settled) override {
    connection_->ToClient([listener = listener_, settled] { listener->OnSettled(settled); });
  }
  void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
              absl::string_view) override {
    connection_->ToClient(
        [listener = listener_, deliveries, reason] { listener->OnLost(deliveries, reason); });
  }
  void OnDrain(absl::Time, absl::string_view) override {
    connection_->ToClient([listener = listener_] { listener->OnDrain(); });
  }
  void OnClosed(const absl::Status& why) override {
    connection_->CloseByServer(std::string(why.message()));
  }

 private:
  VirtualWorld* const world_;
  Broker* const broker_;
  const std::shared_ptr<Connection> connection_;
  SubscriptionListener* const listener_;
  SubscriptionId id_ = 0;
};

SimulatedInstance::SimulatedInstance(VirtualWorld* world, MemoryStore* store, Chance* chance,
                                     std::string name, Options options)
    : world_(world),
      chance_(chance),
      name_(std::move(name)),
      process_(&world->CreateProcess(name_, options.clock_skew)) {
  options.broker.incarnation = name_;
  // Some are nearer to the store than others, and do several things while those do one.
  const absl::Duration max_latency =
      chance->Happens(0.3) ? std::max(options.max_store_latency / 20, kMinStoreLatency)
                           : options.max_store_latency;
  auto link = std::make_shared<VirtualLink>(world, process_, kMinStoreLatency, max_latency);
  connection_ = std::make_unique<MemoryStoreConnection>(store, process_, std::move(link));
  mutant_ = MakeMutantStore(options.mutation, connection_.get(), process_, chance->Any());
  options.faults.seed = chance->Any();
  faulty_ = std::make_unique<FaultyStore>(mutant_.get(), process_, options.faults);
  // Stores differ.
  if (options.faults.seed % 2 == 0) faulty_->HideThatReadsFollowAppends();
  broker_ = std::make_unique<Broker>(process_, faulty_.get(), &no_events_, options.broker);
  process_->Post([this] { broker_->Start([](const absl::Status&) {}); });
}

SimulatedInstance::~SimulatedInstance() = default;

std::shared_ptr<Connection> SimulatedInstance::Connect(Connection::Latency latency) {
  auto connection = std::make_shared<Connection>(world_, process_, chance_, latency);
  connections_.push_back(connection);
  if (dead()) connection->ServerDied();
  return connection;
}

void SimulatedInstance::Publish(const std::shared_ptr<Connection>& connection,
                                std::vector<SentEvent> events, bool atomic, absl::Duration delay,
                                Answered answered) {
  connection->ToServer([this, connection, events = std::move(events), atomic, delay,
                        answered = std::move(answered)]() mutable {
    PublishCommand command = CommandOf(events);
    command.atomic = atomic;
    if (delay > absl::ZeroDuration()) command.delay = DeliveryDelay{.after = delay};
    command.done = [connection,
                    answered = std::move(answered)](const PublishOutcome& outcome) mutable {
      connection->ToClient(
          [answered = std::move(answered), answers = AnswersOf(outcome)]() mutable {
            answered(std::move(answers));
          });
    };
    broker_->Publish(std::move(command));
  });
}

void SimulatedInstance::Subscribe(const std::shared_ptr<Connection>& connection,
                                  OpenRequest request, SubscriptionListener* listener) {
  connection->ToServer([this, connection, request = std::move(request), listener]() mutable {
    calls_.push_back(std::make_unique<Call>(world_, broker_.get(), connection, listener));
    calls_.back()->Open(std::move(request));
  });
}

SimulatedInstance::Call* SimulatedInstance::CallOf(const Connection* connection) {
  for (const auto& call : calls_) {
    if (call->connection() == connection) return call.get();
  }
  return nullptr;
}

void SimulatedInstance::Settle(const std::shared_ptr<Connection>& connection,
                               SettleCommand command) {
  connection->ToServer([this, connection = connection.get(), command = std::move(command)] {
    broker_->Settle(CallOf(connection)->id(), command);
  });
}

void SimulatedInstance::SetFlow(const std::shared_ptr<Connection>& connection, FlowLimits flow) {
  connection->ToServer([this, connection = connection.get(), flow] {
    broker_->SetFlow(CallOf(connection)->id(), flow);
  });
}

void SimulatedInstance::ChangeGroup(const std::shared_ptr<Connection>& connection,
                                    GroupChangeSent change, GroupChanged answered) {
  connection->ToServer([this, connection, change = std::move(change),
                        answered = std::move(answered)]() mutable {
    auto answer = [connection, answered = std::move(answered)](bool done) mutable {
      connection->ToClient([answered = std::move(answered), done]() mutable { answered(done); });
    };
    if (change.kind == GroupChangeKind::kRedrive) {
      RedriveCommand command;
      command.group = change.group;
      for (const ChosenLetter& letter : change.letters) command.selection.ids.push_back(letter.id);
      return broker_->dead_letters().Redrive(
          std::move(command),
          [answer = std::move(answer)](const absl::StatusOr<RedriveResult>& result) mutable {
            answer(result.ok());
          });
    }
    if (change.kind == GroupChangeKind::kSeek) {
      SeekGroupCommand command;
      command.name = change.group;
      if (change.from_ms.has_value()) {
        command.target = StartAtTime{absl::FromUnixMillis(static_cast<int64_t>(*change.from_ms))};
        if (*change.from_ms == 0) command.target = StartEarliest{};
      }
      return broker_->group_editor().Seek(
          std::move(command),
          [answer = std::move(answer)](const absl::StatusOr<SeekResult>& result) mutable {
            answer(result.ok());
          });
    }
    auto edited = [answer = std::move(answer)](const absl::StatusOr<KnownGroup>& group) mutable {
      answer(group.ok());
    };
    GroupEditor& editor = broker_->group_editor();
    switch (change.kind) {
      case GroupChangeKind::kPause:
        // By the store's clock, which is right where such pauses are asked for. An instance that
        // has just started does not know it.
        return editor.Pause(change.group, world_->Now() + change.pause, std::move(edited));
      case GroupChangeKind::kRedrive:
      case GroupChangeKind::kSeek:
        return;
      case GroupChangeKind::kResume:
        return editor.Resume(change.group, std::move(edited));
    }
  });
}

void SimulatedInstance::ListLetters(const std::shared_ptr<Connection>& connection,
                                    std::string group, LettersListed answered) {
  connection->ToServer(
      [this, connection, group = std::move(group), answered = std::move(answered)]() mutable {
        ListLettersCommand command;
        command.group = std::move(group);
        broker_->dead_letters().List(
            std::move(command), [connection, answered = std::move(answered)](
                                    const absl::StatusOr<LetterPage>& page) mutable {
              std::vector<ChosenLetter> letters;
              if (page.ok()) {
                for (const DeadLetter& letter : page->letters) {
                  for (const SeenEvent& event : EventsIn(letter.event.view())) {
                    letters.push_back({letter.id, event.data});
                  }
                }
              }
              connection->ToClient(
                  [answered = std::move(answered), letters = std::move(letters)]() mutable {
                    answered(std::move(letters));
                  });
            });
      });
}

void SimulatedInstance::Kill() {
  if (dead()) return;
  process_->Kill();
  broker_.reset();
  faulty_.reset();
  mutant_.reset();
  connection_.reset();
  for (const auto& connection : connections_) connection->ServerDied();
}

void SimulatedInstance::Drain(absl::Duration grace) {
  if (dead() || draining_) return;
  draining_ = true;
  process_->Post([this, grace] {
    broker_->Drain(process_->WallNow() + grace, [this] {
      // The process exits when this turn is over.
      world_->Schedule(absl::ZeroDuration(), [this] { Kill(); });
    });
  });
}

void SimulatedInstance::BreakOneConnection() {
  std::erase_if(connections_, [](const auto& connection) { return !connection->open_at_client(); });
  if (!connections_.empty()) chance_->OneOf(connections_)->Break();
}

}  // namespace eventbus::simulation
