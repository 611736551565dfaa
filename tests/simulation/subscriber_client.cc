#include "tests/simulation/subscriber_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/delivery_ranges.h"

namespace eventbus::simulation {
namespace {

// Far above any number that is ever given, or the nonsense would mean something.
constexpr uint64_t kNeverDelivered = uint64_t{1} << 40;

// Less than the bus is given to come to rest.
constexpr absl::Duration kSlowestReading = absl::Seconds(3);

// All of it, so that no default of the broker's is meant.
GroupPolicyChange AllOf(const GroupPolicy& policy) {
  return {.ordered = policy.ordered,
          .max_retries = policy.max_retries,
          .retry_delay = policy.retry_delay,
          .retry_multiplier = policy.retry_multiplier,
          .retry_jitter = policy.retry_jitter,
          .max_retry_delay = policy.max_retry_delay,
          .retry_delays = policy.retry_delays,
          .ack_deadline = policy.ack_deadline,
          .dead_letter = policy.dead_letter,
          .max_crashes = policy.max_crashes,
          .filter = policy.filter};
}

void AddNumber(uint64_t number, std::vector<DeliveryRange>* ranges) {
  if (!ranges->empty() && ranges->back().last + 1 == number) {
    ranges->back().last = number;
  } else {
    ranges->push_back({number, number});
  }
}

}  // namespace

// One subscription of the client. Hears nothing more once it has ended.
class SubscriberClient::Session final : public SubscriptionListener {
 public:
  Session(SubscriberClient* client, SimulatedInstance* instance)
      : client_(*client),
        bus_(*client->bus_),
        instance_(*instance),
        number_(bus_.NextNumber()),
        connection_(instance->Connect(bus_.latency())) {}

  void Open() {
    const SubscriberPlan& plan = client_.plan_;
    connection_->OnEndAtClient([this](std::string why) {
      bus_.Record(Ended{number_, /*by_client=*/false, std::move(why)});
      End();
    });
    OpenRequest request;
    request.tail = plan.tail;
    request.group = plan.group;
    request.ephemeral = plan.ephemeral;
    request.patterns = plan.patterns;
    request.filter = plan.filter;
    if (!plan.tail) request.policy = AllOf(plan.policy);
    request.client_id = absl::StrCat("sub ", number_);
    if (plan.from_earliest) request.start = StartEarliest{};
    request.flow = plan.flow;
    request.batch = plan.batch;
    bus_.Record(OpenSent{number_, instance_.name(), plan.tail, plan.group, plan.ephemeral,
                         plan.patterns, plan.from_earliest, plan.flow.max_in_flight,
                         plan.batch.size, plan.policy, plan.filter});
    instance_.Subscribe(connection_, std::move(request), this);
  }

  bool ended() const { return ended_; }
  bool opened() const { return opened_; }

  void Close(const char* why) {
    if (ended_) return;
    connection_->CloseByClient();
    bus_.Record(Ended{number_, /*by_client=*/true, why});
    End();
  }

  // Settles all that was kept.
  void CatchUp() {
    stalled_until_ = absl::ZeroDuration();
    if (!ended_ && !kept_.empty()) WorkLater(std::exchange(kept_, {}));
  }

  void OnOpened(bool group_created) override {
    opened_ = true;
    bus_.Record(Opened{number_, group_created});
  }

  absl::Duration OnDelivered(std::vector<SeenRun> runs) override {
    std::vector<uint64_t> numbers;
    for (const SeenRun& run : runs) {
      for (uint64_t i = 0; i < run.events.size(); ++i) numbers.push_back(run.first_delivery + i);
    }
    bus_.Record(Delivered{number_, std::move(runs)});
    if (!client_.plan_.tail) WorkLater(std::move(numbers));
    Misbehave();
    if (!client_.plan_.tail || client_.behaves_) return absl::ZeroDuration();
    return std::clamp(stalled_until_ - bus_.world().elapsed(), absl::ZeroDuration(),
                      kSlowestReading);
  }

  void OnSettled(const SettledInfo& info) override { bus_.Record(Settled{number_, info}); }
  void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason) override {
    bus_.Record(LeasesLost{number_, deliveries, reason});
  }
  void OnDrain() override {
    bus_.Record(DrainSeen{number_});
    // Some settle what they hold, some just go.
    if (bus_.chance().Happens(0.3)) Close("drained");
  }

 private:
  void End() {
    ended_ = true;
    client_.ConnectLater(absl::Seconds(1));
  }

  void Misbehave() {
    const SubscriberPlan& plan = client_.plan_;
    if (client_.behaves_ || ended_) return;
    Chance& chance = bus_.chance();
    if (chance.Happens(plan.stall)) {
      stalled_until_ =
          bus_.world().elapsed() + chance.Between(absl::Milliseconds(100), absl::Seconds(10));
    }
    if (chance.Happens(plan.change_flow)) {
      FlowLimits flow = plan.flow;
      flow.max_in_flight =
          static_cast<uint32_t>(chance.Between(uint64_t{1}, uint64_t{2} * flow.max_in_flight));
      bus_.Record(FlowSent{number_, flow.max_in_flight});
      instance_.SetFlow(connection_, flow);
    }
    if (chance.Happens(plan.leave)) Close("leaves");
  }

  void WorkLater(std::vector<uint64_t> numbers) {
    const absl::Duration most = client_.behaves_ ? absl::Milliseconds(2) : client_.plan_.max_think;
    absl::Duration pause = bus_.chance().Between(absl::ZeroDuration(), most);
    pause = std::max(pause, stalled_until_ - bus_.world().elapsed());
    bus_.world().Schedule(pause, [this, numbers = std::move(numbers)] { Work(numbers); });
  }

  void Work(const std::vector<uint64_t>& numbers) {
    if (ended_) return;
    const SubscriberPlan& plan = client_.plan_;
    Chance& chance = bus_.chance();
    const bool behaves = client_.behaves_;
    SettleCommand command;
    for (const uint64_t number : numbers) {
      if (!behaves && chance.Happens(plan.keep)) {
        Keep(number, &command);
      } else if (!behaves && chance.Happens(plan.release)) {
        AddNumber(number, &command.releases);
      } else if (!behaves && chance.Happens(plan.nack)) {
        Nack(number, &command);
      } else if (!behaves && chance.Happens(plan.reject)) {
        if (command.rejects.empty()) command.rejects.push_back({{}, NewReason()});
        AddNumber(number, &command.rejects.back().deliveries);
      } else {
        AddNumber(number, &command.acks);
        highest_acked_ = std::max(highest_acked_, number);
      }
    }
    if (!behaves && chance.Happens(plan.nonsense)) AddNonsense(&command);
    if (AllRanges(command).empty()) return;
    if (chance.Happens(plan.confirm)) command.confirm = ++last_confirm_;
    bus_.Record(SettleSent{number_, command});
    instance_.Settle(connection_, std::move(command));
  }

  void Keep(uint64_t number, SettleCommand* command) {
    Chance& chance = bus_.chance();
    if (kept_.empty()) {
      bus_.world().Schedule(chance.Between(absl::Milliseconds(10), absl::Seconds(4)),
                            [this] { CatchUp(); });
    }
    kept_.push_back(number);
    if (!chance.Happens(client_.plan_.extend)) return;
    if (command->extensions.empty() || chance.Happens(0.2)) {
      command->extensions.push_back({{}, std::nullopt});
      if (chance.Happens(0.7)) {
        command->extensions.back().deadline =
            chance.Between(absl::Milliseconds(200), absl::Seconds(8));
      }
    }
    AddNumber(number, &command->extensions.back().deliveries);
  }

  void Nack(uint64_t number, SettleCommand* command) {
    Chance& chance = bus_.chance();
    if (command->nacks.empty() || chance.Happens(0.2)) {
      command->nacks.push_back({{}, std::nullopt, NewReason()});
      if (chance.Happens(client_.plan_.nack_delay)) {
        command->nacks.back().delay = chance.Happens(0.2)
                                          ? absl::ZeroDuration()
                                          : chance.Between(absl::Milliseconds(1), absl::Seconds(6));
      }
    }
    AddNumber(number, &command->nacks.back().deliveries);
  }

  void AddNonsense(SettleCommand* command) {
    if (highest_acked_ > 0) {
      command->acks.push_back({highest_acked_, highest_acked_});
      command->nacks.push_back({{{highest_acked_, highest_acked_}}, std::nullopt, NewReason()});
    }
    command->acks.push_back({kNeverDelivered, kNeverDelivered + 7});
    command->rejects.push_back({{{kNeverDelivered, kNeverDelivered + 1}}, NewReason()});
    command->releases.push_back({kNeverDelivered + 9, kNeverDelivered + 8});
    command->extensions.push_back({{{kNeverDelivered, kNeverDelivered}}, std::nullopt});
  }

  // Unique, so that it tells which attempt it is of.
  std::string NewReason() { return absl::StrCat("reason-", bus_.NextNumber()); }

  SubscriberClient& client_;
  Bus& bus_;
  SimulatedInstance& instance_;
  const SubscriptionNumber number_;
  const std::shared_ptr<Connection> connection_;
  bool opened_ = false;
  bool ended_ = false;
  absl::Duration stalled_until_;
  std::vector<uint64_t> kept_;
  uint64_t highest_acked_ = 0;
  uint64_t last_confirm_ = 0;
};

SubscriberClient::SubscriberClient(Bus* bus, SubscriberPlan plan)
    : bus_(bus), plan_(std::move(plan)) {}

SubscriberClient::~SubscriberClient() = default;

bool SubscriberClient::open() const {
  return !sessions_.empty() && !sessions_.back()->ended() && sessions_.back()->opened();
}

void SubscriberClient::ConnectLater(absl::Duration max_pause) {
  if (quit_ || connecting_) return;
  connecting_ = true;
  bus_->world().Schedule(bus_->chance().Between(absl::ZeroDuration(), max_pause), [this] {
    connecting_ = false;
    Connect();
  });
}

void SubscriberClient::Connect() {
  if (quit_) return;
  SimulatedInstance* const instance = bus_->PickInstance();
  if (instance == nullptr) return ConnectLater(absl::Seconds(1));
  sessions_.push_back(std::make_unique<Session>(this, instance));
  sessions_.back()->Open();
}

void SubscriberClient::Behave() {
  behaves_ = true;
  if (!sessions_.empty()) sessions_.back()->CatchUp();
}

void SubscriberClient::Quit() {
  quit_ = true;
  if (!sessions_.empty()) sessions_.back()->Close("quits");
}

}  // namespace eventbus::simulation
