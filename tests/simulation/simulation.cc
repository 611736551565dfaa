#include "tests/simulation/simulation.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"
#include "tests/simulation/bus.h"
#include "tests/simulation/publisher_client.h"
#include "tests/simulation/simulated_instance.h"
#include "tests/simulation/subscriber_client.h"

namespace eventbus::simulation {
namespace {

const std::vector<std::string>& Types() {
  static const auto* const kTypes =
      new std::vector<std::string>{"order.placed", "order.paid",           "user.created.v1",
                                   "user.login",   "billing.invoice.sent", "ping"};
  return *kTypes;
}

const std::vector<std::vector<std::string>>& PatternLists() {
  static const auto* const kLists = new std::vector<std::vector<std::string>>{
      {"*"}, {"order.*"}, {"order.placed"}, {"user.**", "ping"}, {"*.paid", "billing.+.sent"}};
  return *kLists;
}

// What kind of history it is. Drawn per history, so that some are calm in one respect and wild in
// another.
struct Character {
  absl::Duration length;
  size_t instances = 2;
  // How likely each is when fate strikes, relative to each other.
  uint64_t kill = 0;
  uint64_t freeze = 0;
  uint64_t drain = 0;
  uint64_t cut = 0;
  uint64_t store_outage = 0;
  uint64_t clock_jump = 0;
  absl::Duration max_pause;
  FaultRates store_faults;
  Connection::Latency latency;
};

class Simulation final : public Bus {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        chance_(options.seed * 0x9e3779b97f4a7c15 + 1),
        world_(VirtualWorld::Options{.seed = options.seed, .shuffle = chance_.Happens(0.5)}),
        store_(MemoryStoreOptions{}, [this] { return world_.Now() + store_clock_offset_; }) {}

  ~Simulation() override {
    for (const auto& instance : instances_) instance->Kill();
  }

  SimulationResult Run() {
    DrawCharacter();
    for (size_t i = 0; i < character_.instances; ++i) StartInstance();
    DrawClients();
    for (const auto& publisher : publishers_) publisher->Start();
    for (const auto& subscriber : subscribers_) {
      // Some groups come late, in the middle of births.
      const absl::Duration after =
          chance_.Happens(0.5) ? absl::ZeroDuration()
                               : chance_.Between(absl::ZeroDuration(), character_.length / 2);
      world_.Schedule(after, [subscriber = subscriber.get()] { subscriber->Start(); });
    }
    StrikeLater();
    world_.Advance(character_.length);
    MakePeace();
    ComeToRest();
    SimulationResult result;
    for (const auto& instance : instances_) {
      if (!instance->dead()) faults_ += instance->store().faults();
    }
    result.faults = faults_;
    result.virtual_time = world_.elapsed();
    result.report = Check(history_, CheckOptions{.notice_bound = absl::Seconds(4)});
    for (Violation& violation : violations_) {
      result.report.violations.push_back(std::move(violation));
    }
    result.history = std::move(history_);
    return result;
  }

  // ---- Bus ----

  VirtualWorld& world() override { return world_; }
  Chance& chance() override { return chance_; }
  Connection::Latency latency() override { return character_.latency; }
  void Record(Observation what) override {
    last_observation_ = world_.elapsed();
    history_.push_back({world_.elapsed(), std::move(what)});
  }
  uint64_t NextNumber() override { return ++last_number_; }
  SimulatedInstance* PickInstance() override {
    std::vector<SimulatedInstance*> candidates;
    for (const auto& instance : instances_) {
      if (!instance->dead() && !instance->draining()) candidates.push_back(instance.get());
    }
    return candidates.empty() ? nullptr : chance_.OneOf(candidates);
  }

 private:
  // ---- Drawing the history ----

  uint64_t Weight(double probability) {
    return chance_.Happens(probability) ? chance_.Between(uint64_t{1}, uint64_t{4}) : 0;
  }
  double Rate(double probability, double highest) {
    if (!chance_.Happens(probability)) return 0;
    return highest * static_cast<double>(chance_.Between(uint64_t{1}, uint64_t{100})) / 100;
  }

  void DrawCharacter() {
    character_.length = chance_.Between(absl::Seconds(4), absl::Seconds(15));
    character_.instances = chance_.Between(uint64_t{2}, uint64_t{4});
    character_.kill = Weight(0.5);
    character_.freeze = Weight(0.3);
    character_.drain = Weight(0.5);
    character_.cut = Weight(0.6);
    character_.store_outage = Weight(0.2);
    character_.clock_jump = Weight(0.3);
    character_.max_pause = chance_.Between(absl::Milliseconds(500), absl::Seconds(4));
    character_.store_faults.not_done = Rate(0.4, 0.05);
    character_.store_faults.reply_lost = Rate(0.4, 0.05);
    character_.store_faults.reply_late = Rate(0.4, 0.1);
    character_.latency.max = chance_.Between(absl::Microseconds(100), absl::Milliseconds(30));

    BrokerOptions& broker = instance_options_.broker;
    broker.seed = options_.seed;
    broker.heartbeat_interval = absl::Milliseconds(500);
    broker.dead_after = absl::Seconds(3);
    broker.sweep_interval = absl::Seconds(2);
    broker.ephemeral_expiry = absl::Seconds(4);
    broker.stream_policy.max_events_per_entry = chance_.OneOf(std::vector<uint32_t>{1, 5, 20, 100});
    // So few events would hardly ever share an entry otherwise.
    broker.entry_time = chance_.OneOf(std::vector<absl::Duration>{
        absl::Milliseconds(10), absl::Milliseconds(200), absl::Seconds(2)});
    if (chance_.Happens(0.2)) broker.max_entry_bytes = 200;
    instance_options_.max_store_latency =
        chance_.Between(absl::Microseconds(100), absl::Milliseconds(20));
    instance_options_.mutation = options_.mutation;
  }

  void DrawClients() {
    const uint64_t publishers = chance_.Between(uint64_t{1}, uint64_t{4});
    for (uint64_t i = 0; i < publishers; ++i) publishers_.push_back(NewPublisher());
    const uint64_t groups = chance_.Between(uint64_t{1}, uint64_t{3});
    for (uint64_t i = 0; i < groups; ++i) {
      const uint64_t members = chance_.Between(uint64_t{1}, uint64_t{3});
      SubscriberPlan plan;
      plan.group = absl::StrCat("group-", i);
      plan.ephemeral = chance_.Happens(0.2);
      plan.patterns = chance_.OneOf(PatternLists());
      plan.from_earliest = !plan.ephemeral && chance_.Happens(0.3);
      for (uint64_t j = 0; j < members; ++j) subscribers_.push_back(NewMember(plan));
    }
    const uint64_t tails = chance_.Between(uint64_t{0}, uint64_t{2});
    for (uint64_t i = 0; i < tails; ++i) subscribers_.push_back(NewTail());
  }

  std::unique_ptr<PublisherClient> NewPublisher() {
    PublisherPlan plan;
    const bool bursts = chance_.Happens(0.5);
    if (bursts) {
      plan.types = {chance_.OneOf(Types())};
    } else {
      for (const std::string& type : Types()) {
        if (chance_.Happens(0.6)) plan.types.push_back(type);
      }
      if (plan.types.empty()) plan.types = {Types().front()};
    }
    plan.events = static_cast<uint32_t>(chance_.Between(uint64_t{20}, uint64_t{100}));
    plan.max_batch = chance_.Happens(0.5)
                         ? 1
                         : static_cast<uint32_t>(chance_.Between(uint64_t{2}, uint64_t{30}));
    plan.window = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{4}));
    // Its events come over the whole length, or at once so that they share entries.
    const absl::Duration pause =
        bursts ? absl::Milliseconds(chance_.Between(uint64_t{2}, uint64_t{60}))
               : character_.length * 2 / plan.events;
    plan.max_pause = plan.max_batch == 1 || bursts ? pause : pause * plan.max_batch / 2;
    return std::make_unique<PublisherClient>(this, std::move(plan));
  }

  std::unique_ptr<SubscriberClient> NewMember(SubscriberPlan plan) {
    plan.flow.max_in_flight =
        static_cast<uint32_t>(chance_.Happens(0.3) ? chance_.Between(uint64_t{1}, uint64_t{3})
                                                   : chance_.Between(uint64_t{1}, uint64_t{60}));
    if (chance_.Happens(0.2)) {
      plan.flow.max_in_flight_bytes = chance_.Between(uint64_t{1}, uint64_t{400});
    }
    DrawBatch(plan);
    plan.max_think = chance_.Happens(0.5)
                         ? absl::Milliseconds(2)
                         : chance_.Between(absl::Milliseconds(2), absl::Seconds(1));
    plan.confirm = Rate(0.7, 1.0);
    plan.release = Rate(0.3, 0.2);
    plan.keep = Rate(0.4, 0.4);
    plan.nonsense = Rate(0.3, 0.3);
    plan.stall = Rate(0.3, 0.1);
    plan.leave = Rate(0.4, 0.05);
    plan.change_flow = Rate(0.2, 0.1);
    return std::make_unique<SubscriberClient>(this, std::move(plan));
  }

  std::unique_ptr<SubscriberClient> NewTail() {
    SubscriberPlan plan;
    plan.tail = true;
    plan.patterns = chance_.OneOf(PatternLists());
    plan.from_earliest = chance_.Happens(0.4);
    plan.flow.max_in_flight = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{100}));
    DrawBatch(plan);
    plan.leave = Rate(0.3, 0.05);
    plan.stall = Rate(0.4, 0.2);
    return std::make_unique<SubscriberClient>(this, std::move(plan));
  }

  void DrawBatch(SubscriberPlan& plan) {
    if (!chance_.Happens(0.4)) return;
    plan.batch.size = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{20}));
    if (chance_.Happens(0.5)) {
      plan.batch.timeout = chance_.Between(absl::Milliseconds(1), absl::Milliseconds(300));
    }
  }

  // ---- Fate ----

  void RecordFault(const SimulatedInstance& instance, std::string what, bool out_of_touch = false) {
    ++faults_;
    Record(Fault{instance.name(), std::move(what), out_of_touch});
  }

  SimulatedInstance* StartInstance() {
    SimulatedInstance::Options options = instance_options_;
    options.clock_skew = chance_.Between(absl::Seconds(-100), absl::Seconds(100));
    instances_.push_back(std::make_unique<SimulatedInstance>(
        &world_, &store_, &chance_, absl::StrCat("instance-", instances_.size() + 1), options));
    SimulatedInstance* const instance = instances_.back().get();
    if (!peace_) instance->store().SetRates(character_.store_faults);
    Record(Fault{instance->name(), "starts"});
    return instance;
  }

  std::vector<SimulatedInstance*> Living() {
    std::vector<SimulatedInstance*> living;
    for (const auto& instance : instances_) {
      if (!instance->dead()) living.push_back(instance.get());
    }
    return living;
  }

  void StrikeLater() {
    world_.Schedule(chance_.Between(absl::Milliseconds(10), character_.max_pause), [this] {
      if (peace_) return;
      Strike();
      StrikeLater();
    });
  }

  void Strike() {
    const Character& c = character_;
    const uint64_t sum = c.kill + c.freeze + c.drain + c.cut + c.store_outage + c.clock_jump;
    const std::vector<SimulatedInstance*> living = Living();
    if (sum == 0 || living.empty()) return;
    SimulatedInstance* const victim = chance_.OneOf(living);
    uint64_t drawn = chance_.Between(uint64_t{0}, sum - 1);
    const auto is = [&drawn](uint64_t weight) {
      if (drawn < weight) return true;
      drawn -= weight;
      return false;
    };
    if (is(c.kill)) {
      RecordFault(*victim, "is killed");
      faults_ += victim->store().faults();
      victim->Kill();
      ReplaceLater();
    } else if (is(c.freeze)) {
      Freeze(victim);
    } else if (is(c.drain)) {
      if (victim->draining()) return;
      RecordFault(*victim, "drains");
      victim->Drain(chance_.Between(absl::ZeroDuration(), absl::Seconds(3)));
      ReplaceLater();
    } else if (is(c.cut)) {
      RecordFault(*victim, "has a connection cut");
      victim->BreakOneConnection();
    } else if (is(c.store_outage)) {
      CutStore(victim);
    } else {
      RecordFault(*victim, "and the store have their clocks changed");
      victim->process().SetClockSkew(chance_.Between(absl::Seconds(-100), absl::Seconds(100)));
      store_clock_offset_ = chance_.Between(absl::Seconds(-5), absl::Seconds(5));
    }
  }

  void ReplaceLater() {
    world_.Schedule(chance_.Between(absl::ZeroDuration(), absl::Seconds(3)), [this] {
      if (Living().size() < character_.instances) StartInstance();
    });
  }

  void Freeze(SimulatedInstance* victim) {
    if (victim->process().frozen()) return;
    const absl::Duration time = chance_.Happens(0.5)
                                    ? chance_.Between(absl::Milliseconds(10), absl::Seconds(1))
                                    : chance_.Between(absl::Seconds(1), absl::Seconds(9));
    RecordFault(*victim, absl::StrCat("is frozen for ", absl::FormatDuration(time)),
                time > instance_options_.broker.dead_after / 2);
    victim->process().Freeze();
    world_.Schedule(time, [victim] {
      if (!victim->dead()) victim->process().Thaw();
    });
  }

  void CutStore(SimulatedInstance* victim) {
    if (victim->store().down()) return;
    const absl::Duration time = chance_.Between(absl::Milliseconds(10), absl::Seconds(6));
    RecordFault(*victim, absl::StrCat("cannot reach the store for ", absl::FormatDuration(time)),
                time > instance_options_.broker.dead_after / 2);
    victim->process().Post([victim] { victim->store().GoDown(); });
    world_.Schedule(time,
                    [victim] { victim->process().Post([victim] { victim->store().ComeBack(); }); });
  }

  // ---- The end ----

  void MakePeace() {
    peace_ = true;
    Record(Fault{"", "peace"});
    for (SimulatedInstance* instance : Living()) {
      instance->process().Thaw();
      instance->process().Post([instance] {
        instance->store().SetRates({});
        instance->store().ComeBack();
      });
    }
    bool somebody_stays = false;
    for (SimulatedInstance* instance : Living()) {
      somebody_stays = somebody_stays || !instance->draining();
    }
    if (!somebody_stays) StartInstance();
    // One subscriber of each group stays, of the others some.
    std::string group;
    for (const auto& subscriber : subscribers_) {
      const SubscriberPlan& plan = subscriber->plan();
      if (!plan.tail && plan.group == group && chance_.Happens(0.5)) {
        subscriber->Quit();
      } else {
        subscriber->Behave();
      }
      group = plan.group;
    }
  }

  void ComeToRest() {
    constexpr absl::Duration kQuiet = absl::Seconds(5);
    // What takes longer than this while nobody hears anything is stuck. Somebody who takes one
    // event at a time may be busy for long with all that waits.
    constexpr absl::Duration kPatience = absl::Seconds(40);
    constexpr absl::Duration kLongest = absl::Minutes(20);
    const absl::Duration begin = world_.elapsed();
    while (world_.elapsed() - last_observation_ < kPatience &&
           world_.elapsed() - begin < kLongest) {
      world_.Advance(absl::Milliseconds(200));
      if (world_.elapsed() - last_observation_ >= kQuiet && WhatIsUnrestful().empty()) return;
    }
    violations_.push_back({kQuiescence,
                           absl::StrCat("after ", absl::FormatDuration(world_.elapsed() - begin),
                                        " of peace ", WhatIsUnrestful()),
                           history_.size()});
  }

  // What still moves or waits; empty if nothing does.
  std::string WhatIsUnrestful() {
    for (const auto& publisher : publishers_) {
      if (!publisher->done()) return "a publisher waits for answers";
    }
    for (SimulatedInstance* instance : Living()) {
      if (instance->draining()) return absl::StrCat(instance->name(), " drains");
      const BrokerCounts counts = instance->Counts();
      if (counts.in_flight_events > 0) {
        return absl::StrCat(instance->name(), " has ", counts.in_flight_events,
                            " events in flight");
      }
      if (counts.publish_queue_events > 0 || counts.publish_queue_bytes > 0) {
        return absl::StrCat(instance->name(), " has a publish queue");
      }
    }
    for (const GroupRecord& group : store_.registry().ListGroups()) {
      for (const TypeRecord& type : store_.registry().ListTypes()) {
        const auto consumers = store_.ListConsumers(type.stream, {group.name, group.generation});
        if (!consumers.ok()) continue;
        for (const ConsumerInfo& consumer : *consumers) {
          if (consumer.pending == 0) continue;
          return absl::StrCat(consumer.pending, " entries of ", type.stream, " are pending for ",
                              consumer.name, " in ", group.name);
        }
      }
    }
    return world_.elapsed() - last_observation_ < absl::Seconds(1) ? "clients are still busy" : "";
  }

  const SimulationOptions options_;
  Chance chance_;
  VirtualWorld world_;
  absl::Duration store_clock_offset_;
  MemoryStore store_;
  Character character_;
  SimulatedInstance::Options instance_options_;
  bool peace_ = false;
  uint64_t faults_ = 0;
  uint64_t last_number_ = 0;
  absl::Duration last_observation_;
  History history_;
  std::vector<Violation> violations_;
  std::vector<std::unique_ptr<PublisherClient>> publishers_;
  std::vector<std::unique_ptr<SubscriberClient>> subscribers_;
  std::vector<std::unique_ptr<SimulatedInstance>> instances_;
};

}  // namespace

std::string SimulationResult::Describe(const SimulationOptions& options, size_t lines) const {
  std::string text =
      absl::StrCat("seed ", options.seed, ", mutation ", std::string(NameOf(options.mutation)),
                   ", log ", absl::Hex(HashOf(history)), "\n");
  size_t last = report.violations.empty() ? history.size() : 0;
  for (size_t i = 0; i < report.violations.size(); ++i) {
    const Violation& violation = report.violations[i];
    last = std::max(last, std::min(violation.at + 1, history.size()));
    if (i < 10) absl::StrAppend(&text, "violated: ", violation.rule, ": ", violation.what, "\n");
  }
  if (report.violations.size() > 10) {
    absl::StrAppend(&text, "… and ", report.violations.size() - 10, " more\n");
  }
  if (!report.violations.empty()) last = std::min(report.violations.front().at + 1, history.size());
  for (size_t i = last > lines ? last - lines : 0; i < last; ++i) {
    absl::StrAppend(&text, ToString(history[i]), "\n");
  }
  return text;
}

SimulationResult Simulate(const SimulationOptions& options) { return Simulation(options).Run(); }

}  // namespace eventbus::simulation
