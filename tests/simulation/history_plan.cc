#include "tests/simulation/history_plan.h"

#include "absl/strings/str_cat.h"

namespace eventbus::simulation {
namespace {

const std::vector<std::vector<std::string>>& PatternLists() {
  static const auto* const kLists = new std::vector<std::vector<std::string>>{
      {"*"}, {"order.*"}, {"order.placed"}, {"user.**", "ping"}, {"*.paid", "billing.+.sent"}};
  return *kLists;
}

// All of events that there are; sources are keys (event_frames.h).
const std::vector<AttributeFilter>& Filters() {
  using Match = AttributeCondition::Match;
  static const auto* const kFilters = new std::vector<AttributeFilter>{
      {{{"source", Match::kExact, "key-1"}}},
      {{{"source", Match::kPrefix, "key-"}}},
      {{{"source", Match::kPrefix, "key-"}, {"source", Match::kSuffix, "2"}}},
      {{{"type", Match::kPrefix, "order."}}},
      {{{"type", Match::kSuffix, "d"}, {"source", Match::kPrefix, "k"}}},
      {{{"id", Match::kSuffix, "5"}}}};
  return *kFilters;
}

class Drawing {
 public:
  Drawing(uint64_t seed, Chance* chance) : seed_(seed), chance_(*chance) {}

  HistoryPlan Draw() {
    DrawCharacter();
    DrawClients();
    return std::move(plan_);
  }

 private:
  uint64_t Weight(double probability) {
    return chance_.Happens(probability) ? chance_.Between(uint64_t{1}, uint64_t{4}) : 0;
  }
  double Rate(double probability, double highest) {
    if (!chance_.Happens(probability)) return 0;
    return highest * static_cast<double>(chance_.Between(uint64_t{1}, uint64_t{100})) / 100;
  }

  void DrawCharacter() {
    plan_.length = chance_.Between(absl::Seconds(4), absl::Seconds(15));
    plan_.instances = chance_.Between(uint64_t{2}, uint64_t{4});
    plan_.kill = Weight(0.5);
    plan_.freeze = Weight(0.3);
    plan_.drain = Weight(0.5);
    plan_.cut = Weight(0.6);
    plan_.store_outage = Weight(0.2);
    plan_.clock_jump = Weight(0.3);
    plan_.max_pause = chance_.Between(absl::Milliseconds(500), absl::Seconds(4));
    plan_.store_faults.not_done = Rate(0.4, 0.05);
    plan_.store_faults.reply_lost = Rate(0.4, 0.05);
    plan_.store_faults.reply_late = Rate(0.4, 0.1);
    plan_.settle_faults = plan_.store_faults;
    if (chance_.Happens(0.2)) plan_.settle_faults = {0.1, 0.2, 0.2};
    plan_.latency.max = chance_.Between(absl::Microseconds(100), absl::Milliseconds(30));

    BrokerOptions& broker = plan_.broker;
    broker.seed = seed_;
    broker.heartbeat_interval = absl::Milliseconds(500);
    broker.dead_after = absl::Seconds(3);
    broker.sweep_interval = absl::Seconds(2);
    broker.ephemeral_expiry = absl::Seconds(4);
    broker.stream_policy.max_events_per_entry = chance_.OneOf(std::vector<uint32_t>{1, 5, 20, 100});
    // So few events would hardly ever share an entry otherwise.
    broker.entry_time = chance_.OneOf(std::vector<absl::Duration>{
        absl::Milliseconds(10), absl::Milliseconds(200), absl::Seconds(2)});
    if (chance_.Happens(0.2)) broker.max_entry_bytes = 200;
    if (chance_.Happens(0.3))
      broker.waiting_value_bytes = chance_.Between(uint64_t{0}, uint64_t{500});
    if (chance_.Happens(0.2))
      broker.max_waiting_events = chance_.Between(uint64_t{1}, uint64_t{20});
    if (seed_ % 5 == 0) broker.max_key_lines_events = 3;
    plan_.max_store_latency = chance_.Between(absl::Microseconds(100), absl::Milliseconds(20));
    DrawPublishing();
  }

  // Of a chance of their own, so that the rest of a history stays what it was.
  void DrawPublishing() {
    Chance publishing(seed_ * 0x9e3779b97f4a7c15 + 2);
    if (publishing.Happens(0.3)) {
      plan_.broker.stream_policy.duplicate_window = absl::Minutes(30);
      publishing_.again_after_unknown = true;
    }
    if (publishing.Happens(0.3)) publishing_.atomic = 0.3;
    if (seed_ % 3 == 0) plan_.broker.busy_appends = 1;
    if (seed_ % 4 == 0) plan_.broker.gathered_commands = 2;
    // A client could not say what is too early if the store's clock were set.
    if (plan_.clock_jump == 0 && publishing.Happens(0.4)) publishing_.delayed = 0.2;
  }

  void DrawClients() {
    const uint64_t publishers = chance_.Between(uint64_t{1}, uint64_t{4});
    for (uint64_t i = 0; i < publishers; ++i) plan_.publishers.push_back(NewPublisher());
    const uint64_t groups = chance_.Between(uint64_t{1}, uint64_t{3});
    // Of a chance of its own, as publishing.
    Chance ordering(seed_ * 0x9e3779b97f4a7c15 + 3);
    Chance filtering(seed_ * 0x9e3779b97f4a7c15 + 5);
    for (uint64_t i = 0; i < groups; ++i) {
      const uint64_t members = chance_.Between(uint64_t{1}, uint64_t{3});
      SubscriberPlan plan;
      plan.group = absl::StrCat("group-", i);
      plan.ephemeral = chance_.Happens(0.2);
      plan.patterns = chance_.OneOf(PatternLists());
      plan.from_earliest = !plan.ephemeral && chance_.Happens(0.3);
      plan.policy = DrawPolicy();
      plan.policy.ordered = ordering.Happens(0.4);
      if (filtering.Happens(0.3)) plan.policy.filter = filtering.OneOf(Filters());
      for (uint64_t j = 0; j < members; ++j) plan_.subscribers.push_back(NewMember(plan));
    }
    DrawOperators();
    const uint64_t tails = chance_.Between(uint64_t{0}, uint64_t{2});
    for (uint64_t i = 0; i < tails; ++i) {
      plan_.subscribers.push_back(NewTail());
      if (filtering.Happens(0.3)) plan_.subscribers.back().filter = filtering.OneOf(Filters());
    }
  }

  // Ephemeral groups come and go, so who changes one may change the next one of its name.
  void DrawOperators() {
    Chance operating(seed_ * 0x9e3779b97f4a7c15 + 4);
    std::string group;
    for (const SubscriberPlan& member : plan_.subscribers) {
      if (member.ephemeral || member.group == group) continue;
      group = member.group;
      OperatorPlan plan;
      plan.group = group;
      plan.max_pause = operating.Between(absl::Milliseconds(500), absl::Seconds(3));
      if (operating.Happens(0.3)) {
        plan.pause = 1;
        // Nobody could say when it ends if the store's clock were set.
        if (plan_.clock_jump == 0) plan.pause_for = 1;
      }
      if (member.policy.dead_letter && operating.Happens(0.4)) plan.redrive = 2;
      if (operating.Happens(0.25)) {
        plan.seek = 1;
        // Nor would anybody know what is stored at a time.
        plan.seek_to_times = plan_.clock_jump == 0;
      }
      if (plan.does_anything()) plan_.operators.push_back(std::move(plan));
    }
  }

  GroupPolicy DrawPolicy() {
    GroupPolicy policy;
    policy.max_retries = static_cast<uint32_t>(chance_.Between(uint64_t{0}, uint64_t{4}));
    // Longer than a broken connection may go unnoticed.
    policy.ack_deadline = chance_.OneOf(std::vector<absl::Duration>{
        absl::Seconds(1), absl::Seconds(2), absl::Seconds(5), absl::Seconds(30)});
    const auto milliseconds = [this](uint64_t first, uint64_t last) {
      return absl::Milliseconds(chance_.Between(first, last));
    };
    policy.retry_delay = milliseconds(10, 2000);
    policy.retry_multiplier = static_cast<double>(chance_.Between(uint64_t{10}, uint64_t{30})) / 10;
    policy.retry_jitter = Rate(0.5, 0.5);
    policy.max_retry_delay = milliseconds(2000, 6000);
    if (chance_.Happens(0.2)) policy.retry_delays = {absl::Milliseconds(50), absl::Seconds(1)};
    policy.dead_letter = chance_.Happens(0.7);
    if (chance_.Happens(0.25)) {
      policy.max_crashes = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{3}));
    }
    return policy;
  }

  PublisherPlan NewPublisher() {
    PublisherPlan plan = publishing_;
    const bool bursts = chance_.Happens(0.5);
    if (bursts) {
      plan.types = {chance_.OneOf(AllTypes())};
    } else {
      for (const std::string& type : AllTypes()) {
        if (chance_.Happens(0.6)) plan.types.push_back(type);
      }
      if (plan.types.empty()) plan.types = {AllTypes().front()};
    }
    plan.events = static_cast<uint32_t>(chance_.Between(uint64_t{20}, uint64_t{100}));
    plan.max_batch = chance_.Happens(0.5)
                         ? 1
                         : static_cast<uint32_t>(chance_.Between(uint64_t{2}, uint64_t{30}));
    plan.window = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{4}));
    // Its events come over the whole length, or at once so that they share entries.
    const absl::Duration pause =
        bursts ? absl::Milliseconds(chance_.Between(uint64_t{2}, uint64_t{60}))
               : plan_.length * 2 / plan.events;
    plan.max_pause = plan.max_batch == 1 || bursts ? pause : pause * plan.max_batch / 2;
    return plan;
  }

  SubscriberPlan NewMember(SubscriberPlan plan) {
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
    plan.nack = Rate(0.6, 0.5);
    plan.nack_delay = Rate(0.5, 1.0);
    plan.reject = Rate(0.3, 0.1);
    plan.extend = Rate(0.5, 1.0);
    plan.nonsense = Rate(0.3, 0.3);
    plan.stall = Rate(0.3, 0.1);
    plan.leave = Rate(0.4, 0.05);
    plan.change_flow = Rate(0.2, 0.1);
    return plan;
  }

  SubscriberPlan NewTail() {
    SubscriberPlan plan;
    plan.tail = true;
    plan.patterns = chance_.OneOf(PatternLists());
    plan.from_earliest = chance_.Happens(0.4);
    plan.flow.max_in_flight = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{100}));
    DrawBatch(plan);
    plan.leave = Rate(0.3, 0.05);
    plan.stall = Rate(0.4, 0.2);
    return plan;
  }

  void DrawBatch(SubscriberPlan& plan) {
    if (!chance_.Happens(0.4)) return;
    plan.batch.size = static_cast<uint32_t>(chance_.Between(uint64_t{1}, uint64_t{20}));
    if (chance_.Happens(0.5)) {
      plan.batch.timeout = chance_.Between(absl::Milliseconds(1), absl::Milliseconds(300));
    }
  }

  const uint64_t seed_;
  Chance& chance_;
  // What all publishers of the history have in common.
  PublisherPlan publishing_;
  HistoryPlan plan_;
};

}  // namespace

HistoryPlan DrawPlan(uint64_t seed, Chance* chance) { return Drawing(seed, chance).Draw(); }

const std::vector<std::string>& AllTypes() {
  static const auto* const kTypes =
      new std::vector<std::string>{"order.placed", "order.paid",           "user.created.v1",
                                   "user.login",   "billing.invoice.sent", "ping"};
  return *kTypes;
}

}  // namespace eventbus::simulation
