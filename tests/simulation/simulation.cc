#include "tests/simulation/simulation.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"
#include "server/broker/registry.h"
#include "tests/simulation/bus.h"
#include "tests/simulation/event_frames.h"
#include "tests/simulation/history_plan.h"
#include "tests/simulation/operator_client.h"
#include "tests/simulation/publisher_client.h"
#include "tests/simulation/simulated_instance.h"
#include "tests/simulation/subscriber_client.h"

namespace eventbus::simulation {
namespace {

class Simulation final : public Bus {
 public:
  explicit Simulation(const SimulationOptions& options)
      : options_(options),
        chance_(options.seed * 0x9e3779b97f4a7c15 + 1),
        plan_(DrawPlan(options.seed, &chance_)),
        world_(VirtualWorld::Options{.seed = options.seed, .shuffle = chance_.Happens(0.5)}),
        store_(MemoryStoreOptions{}, [this] { return world_.Now() + store_clock_offset_; }) {}

  ~Simulation() override {
    for (const auto& instance : instances_) instance->Kill();
  }

  SimulationResult Run() {
    for (size_t i = 0; i < plan_.instances; ++i) StartInstance();
    for (const PublisherPlan& plan : plan_.publishers) {
      publishers_.push_back(std::make_unique<PublisherClient>(this, plan));
    }
    for (const SubscriberPlan& plan : plan_.subscribers) {
      subscribers_.push_back(std::make_unique<SubscriberClient>(this, plan));
    }
    for (const OperatorPlan& plan : plan_.operators) {
      operators_.push_back(std::make_unique<OperatorClient>(this, plan));
    }
    for (const auto& publisher : publishers_) publisher->Start();
    for (const auto& one : operators_) one->Start();
    for (const auto& subscriber : subscribers_) {
      // Some groups come late, in the middle of births.
      const absl::Duration after = chance_.Happens(0.5)
                                       ? absl::ZeroDuration()
                                       : chance_.Between(absl::ZeroDuration(), plan_.length / 2);
      world_.Schedule(after, [subscriber = subscriber.get()] { subscriber->Start(); });
    }
    StrikeLater();
    world_.Advance(plan_.length);
    MakePeace();
    ComeToRest();
    ListLetters();
    SimulationResult result;
    for (const auto& instance : instances_) {
      if (!instance->dead()) faults_ += instance->store().faults();
    }
    result.faults = faults_;
    result.virtual_time = world_.elapsed();
    result.report = Check(history_, CheckOptions{.notice_bound = absl::Seconds(4),
                                                 .max_latency = plan_.latency.max,
                                                 .signal_bound = SignalBound(),
                                                 .shortest_expiry = absl::Seconds(2)});
    for (Violation& violation : violations_) {
      result.report.violations.push_back(std::move(violation));
    }
    result.history = std::move(history_);
    return result;
  }

  // ---- Bus ----

  VirtualWorld& world() override { return world_; }
  Chance& chance() override { return chance_; }
  Connection::Latency latency() override { return plan_.latency; }
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
  // How long until a signal of the registry has reached all who are in touch with the store: each
  // lost answer costs a time-out and a pause, and then they ask again.
  absl::Duration SignalBound() const {
    const FaultRates& rates = plan_.store_faults;
    const bool calm = rates.not_done == 0 && rates.reply_lost == 0 && rates.reply_late == 0;
    return calm ? absl::Seconds(1) : absl::Seconds(6);
  }

  // ---- Fate ----

  void RecordFault(const SimulatedInstance& instance, std::string what) {
    RecordFault(Fault{.instance = instance.name(), .what = std::move(what)});
  }
  void RecordFault(Fault fault) {
    ++faults_;
    Record(std::move(fault));
  }

  SimulatedInstance* StartInstance() {
    SimulatedInstance::Options options;
    options.broker = plan_.broker;
    options.max_store_latency = plan_.max_store_latency;
    options.mutation = options_.mutation;
    options.clock_skew = chance_.Between(absl::Seconds(-100), absl::Seconds(100));
    instances_.push_back(std::make_unique<SimulatedInstance>(
        &world_, &store_, &chance_, absl::StrCat("instance-", instances_.size() + 1), options));
    SimulatedInstance* const instance = instances_.back().get();
    if (!peace_) {
      instance->store().SetRates(plan_.store_faults);
      for (const StoreCall call : {StoreCall::kBury, StoreCall::kWriteStates}) {
        instance->store().SetRates(call, plan_.settle_faults);
      }
    }
    Record(Fault{.instance = instance->name(), .what = "starts"});
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
    world_.Schedule(chance_.Between(absl::Milliseconds(10), plan_.max_pause), [this] {
      if (peace_) return;
      Strike();
      StrikeLater();
    });
  }

  void Strike() {
    const HistoryPlan& c = plan_;
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
      RecordFault({.instance = victim->name(), .what = "has a connection cut", .cut = true});
      victim->BreakOneConnection();
    } else if (is(c.store_outage)) {
      CutStore(victim);
    } else {
      RecordFault({.instance = victim->name(),
                   .what = "and the store have their clocks changed",
                   .store_clock = true});
      victim->process().SetClockSkew(chance_.Between(absl::Seconds(-100), absl::Seconds(100)));
      store_clock_offset_ = chance_.Between(absl::Seconds(-5), absl::Seconds(5));
    }
  }

  void ReplaceLater() {
    world_.Schedule(chance_.Between(absl::ZeroDuration(), absl::Seconds(3)), [this] {
      if (Living().size() < plan_.instances) StartInstance();
    });
  }

  void Freeze(SimulatedInstance* victim) {
    if (victim->process().frozen()) return;
    const absl::Duration time = chance_.Happens(0.5)
                                    ? chance_.Between(absl::Milliseconds(10), absl::Seconds(1))
                                    : chance_.Between(absl::Seconds(1), absl::Seconds(9));
    RecordFault({.instance = victim->name(),
                 .what = absl::StrCat("is frozen for ", absl::FormatDuration(time)),
                 .out_of_touch = time > plan_.broker.dead_after / 2,
                 .frozen = true,
                 .lasts = time});
    victim->process().Freeze();
    world_.Schedule(time, [victim] {
      if (!victim->dead()) victim->process().Thaw();
    });
  }

  void CutStore(SimulatedInstance* victim) {
    if (victim->store().down()) return;
    const absl::Duration time = chance_.Between(absl::Milliseconds(10), absl::Seconds(6));
    RecordFault({.instance = victim->name(),
                 .what = absl::StrCat("cannot reach the store for ", absl::FormatDuration(time)),
                 .out_of_touch = time > plan_.broker.dead_after / 2,
                 .lasts = time});
    victim->process().Post([victim] { victim->store().GoDown(); });
    world_.Schedule(time,
                    [victim] { victim->process().Post([victim] { victim->store().ComeBack(); }); });
  }

  // ---- The end ----

  void MakePeace() {
    peace_ = true;
    Record(Fault{.what = "peace"});
    for (SimulatedInstance* instance : Living()) {
      instance->process().Thaw();
      instance->process().Post([instance] {
        instance->store().SetRates({});
        instance->store().SetRates(StoreCall::kBury, {});
        instance->store().SetRates(StoreCall::kWriteStates, {});
        instance->store().ComeBack();
      });
    }
    bool somebody_stays = false;
    for (SimulatedInstance* instance : Living()) {
      somebody_stays = somebody_stays || !instance->draining();
    }
    if (!somebody_stays) StartInstance();
    for (const auto& one : operators_) one->Behave();
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

  void ListLetters() {
    std::set<std::string> groups;
    for (const auto& subscriber : subscribers_) {
      if (!subscriber->plan().tail) groups.insert(subscriber->plan().group);
    }
    for (const std::string& group : groups) {
      for (const std::string& type : AllTypes()) {
        for (const StoredLetter& letter :
             store_.letters().Read({.stream = type, .group = group, .max_letters = 1'000'000})) {
          const std::vector<SeenEvent> events = EventsIn(letter.event.view());
          const auto details = DeadLetterDetails::FromJson(letter.details);
          if (events.size() == 1 && details.ok()) {
            Record(LetterSeen{group, type, events.front(), *details});
          } else {
            violations_.push_back({rules::kDeadLetters, "unreadable letter", history_.size()});
          }
        }
      }
    }
  }

  // What waits there to be settled; empty if nothing does.
  std::string PendingIn(const std::string& stream, const GroupKey& group) {
    const auto consumers = store_.ListConsumers(stream, group);
    if (!consumers.ok()) return "";
    for (const ConsumerInfo& consumer : *consumers) {
      if (consumer.pending == 0) continue;
      return absl::StrCat(consumer.pending, " entries of ", stream, " are pending for ",
                          consumer.name, " in ", group.name);
    }
    return "";
  }

  // What still moves or waits; empty if nothing does.
  std::string WhatIsUnrestful() {
    for (const auto& publisher : publishers_) {
      if (!publisher->done()) return "a publisher waits for answers";
    }
    for (const auto& one : operators_) {
      if (!one->done()) return "an operator waits for answers";
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
    const auto due = store_.ListDue(/*max_streams=*/1);
    if (!due->streams.empty()) {
      return absl::StrCat("events of ", due->streams.front().stream, " are delayed");
    }
    for (const GroupRecord& group : store_.registry().ListGroups()) {
      const KnownGroup known = {group, GroupDefinitionFromJson(group.definition).value(), {}};
      for (const TypeRecord& type : store_.registry().ListTypes()) {
        for (const std::string& pending :
             {PendingIn(type.stream, known.KeyOn(type.stream)),
              PendingIn(SideStreamOf(type.stream, group.name), SideGroupOf(group.name))}) {
          if (!pending.empty()) return pending;
        }
      }
    }
    return world_.elapsed() - last_observation_ < absl::Seconds(1) ? "clients are still busy" : "";
  }

  const SimulationOptions options_;
  Chance chance_;
  const HistoryPlan plan_;
  VirtualWorld world_;
  absl::Duration store_clock_offset_;
  MemoryStore store_;
  bool peace_ = false;
  uint64_t faults_ = 0;
  uint64_t last_number_ = 0;
  absl::Duration last_observation_;
  History history_;
  std::vector<Violation> violations_;
  std::vector<std::unique_ptr<PublisherClient>> publishers_;
  std::vector<std::unique_ptr<SubscriberClient>> subscribers_;
  std::vector<std::unique_ptr<OperatorClient>> operators_;
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
