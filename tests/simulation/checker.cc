#include "tests/simulation/checker.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/pattern.h"
#include "tests/simulation/event_ledger.h"
#include "tests/simulation/single_lease.h"

namespace eventbus::simulation {
namespace {

// A confirmed one.
struct Settlement {
  std::string instance;
  // The one that had taken over from it, if others may have judged it.
  std::string heir;
};

struct Group {
  // Different for each of its lives.
  uint64_t number = 0;
  PatternSet patterns;
  bool ephemeral = false;
  bool from_earliest = false;
  // First opened.
  size_t opened_at = 0;
  std::set<EventNumber> received;
  std::map<EventNumber, Settlement> settled;
};

struct Subscription {
  OpenSent open;
  PatternSet patterns;
  Group* group = nullptr;
  std::optional<size_t> opened_at;
  bool ended = false;
  uint32_t max_in_flight = 0;
  // By delivery number, less one.
  std::vector<EventNumber> deliveries;
  std::map<uint64_t, EventNumber> live;
  std::map<EventNumber, uint32_t> times_delivered;
  // Numbers acked by settles that wait for their confirmation.
  std::map<uint64_t, std::vector<DeliveryRange>> unconfirmed;
  // Of a tail, by stream, in order.
  std::map<std::string, std::vector<Position>> seen;
};

class Checker {
 public:
  Checker(const History& history, const CheckOptions& options)
      : history_(history), ledger_(&report_), leases_(options.notice_bound, &ledger_, &report_) {}

  CheckReport Run() {
    for (at_ = 0; at_ < history_.size(); ++at_) {
      now_ = history_[at_].at;
      std::visit([this](const auto& what) { Take(what); }, history_[at_].what);
    }
    leases_.CheckAtEnd(now_);
    CheckDelivered();
    ledger_.CheckStoredInOrder(at_);
    for (const auto& [number, subscription] : subscriptions_) {
      if (subscription.open.tail) CheckTail(number, subscription);
      if (subscription.ended || subscription.unconfirmed.empty()) continue;
      Violated(rules::kSettlesAnswered, absl::StrCat("sub ", number, " never heard of its settle ",
                                                     subscription.unconfirmed.begin()->first));
    }
    return std::move(report_);
  }

 private:
  void Violated(const char* rule, std::string what) {
    report_.violations.push_back({rule, std::move(what), at_});
  }

  void Take(const PublishSent& sent) { ledger_.Take(sent, at_); }
  void Take(const PublishAnswered& answered) { ledger_.Take(answered, at_); }

  // ---- Subscribing ----

  void Take(const OpenSent& open) {
    Subscription& subscription = subscriptions_[open.subscription];
    subscription.open = open;
    subscription.max_in_flight = open.max_in_flight;
    const absl::StatusOr<PatternSet> patterns = PatternSet::Parse(open.patterns);
    if (patterns.ok()) subscription.patterns = *patterns;
  }

  void Take(const Opened& opened) {
    Subscription* const subscription = Find(opened.subscription, "opened", /*open=*/false);
    if (subscription == nullptr) return;
    if (subscription->opened_at.has_value()) {
      return Violated(rules::kConversation,
                      absl::StrCat("sub ", opened.subscription, " is opened twice"));
    }
    subscription->opened_at = at_;
    if (subscription->open.tail) return;
    std::unique_ptr<Group>& group = groups_[subscription->open.group];
    if (group != nullptr && group->ephemeral && opened.group_created && !InUse(*group)) {
      // It had expired, and begins anew. (If it is in use, the answers have overtaken each other.)
      expired_.push_back(std::move(group));
    }
    if (group == nullptr) {
      group = std::make_unique<Group>();
      group->number = ++groups_seen_;
      group->patterns = subscription->patterns;
      group->ephemeral = subscription->open.ephemeral;
      group->from_earliest = subscription->open.from_earliest;
      group->opened_at = at_;
    }
    subscription->group = group.get();
  }

  bool InUse(const Group& group) const {
    return std::any_of(subscriptions_.begin(), subscriptions_.end(), [&group](const auto& entry) {
      return entry.second.group == &group && !entry.second.ended;
    });
  }

  // The subscription, if it may be told something now.
  Subscription* Find(SubscriptionNumber number, const char* what, bool open = true) {
    const auto found = subscriptions_.find(number);
    const bool fits = found != subscriptions_.end() && !found->second.ended &&
                      (!open || found->second.opened_at.has_value());
    if (fits) return &found->second;
    Violated(rules::kConversation,
             absl::StrCat("sub ", number, " hears \"", what, "\" while it is not open"));
    return nullptr;
  }

  void Take(const Delivered& delivered) {
    Subscription* const subscription = Find(delivered.subscription, "deliveries");
    if (subscription == nullptr) return;
    size_t events = 0;
    for (const SeenRun& run : delivered.runs) {
      uint32_t index = 0;
      for (const SeenEvent& seen : run.events) {
        TakeEvent(delivered.subscription, *subscription, run, index++, seen);
        ++events;
      }
    }
    const uint32_t size = subscription->open.batch_size;
    if (size > 0 && events > size) {
      Violated(rules::kBatchSize, absl::StrCat("sub ", delivered.subscription, " got ", events,
                                               " events at once, and asked for ", size));
    }
    if (!subscription->open.tail && subscription->live.size() > subscription->max_in_flight) {
      Violated(rules::kInFlightLimit,
               absl::StrCat("sub ", delivered.subscription, " has ", subscription->live.size(),
                            " in flight, and asked for ", subscription->max_in_flight));
    }
  }

  void TakeEvent(SubscriptionNumber number, Subscription& subscription, const SeenRun& run,
                 uint32_t index, const SeenEvent& seen) {
    const Position position = {run.position.entry, run.position.index + index};
    const std::optional<EventNumber> event =
        ledger_.TakeDelivery(number, seen, run.stream, position, at_);
    if (!event.has_value()) return;
    if (!subscription.patterns.Matches(ledger_.event(*event).sent.type)) {
      Violated(rules::kPatterns, absl::StrCat("sub ", number, " got ", seen.data, " of type ",
                                              ledger_.event(*event).sent.type));
    }
    if (subscription.open.tail) return TakeFromTail(number, subscription, run, position, seen);
    TakeLease(number, subscription, run, index, *event);
  }

  void TakeFromTail(SubscriptionNumber number, Subscription& subscription, const SeenRun& run,
                    const Position& position, const SeenEvent& seen) {
    ++report_.tail_deliveries;
    std::vector<Position>& before = subscription.seen[run.stream];
    if (!before.empty() && position <= before.back()) {
      return Violated(rules::kTailOrder,
                      absl::StrCat("tail ", number, " got ", seen.data, " at ", position.ToString(),
                                   " after ", before.back().ToString()));
    }
    before.push_back(position);
  }

  void TakeLease(SubscriptionNumber number, Subscription& subscription, const SeenRun& run,
                 uint32_t index, EventNumber event) {
    Group& group = *subscription.group;
    const std::string& data = ledger_.data(event);
    const uint64_t delivery = run.first_delivery + index;
    ++report_.group_deliveries;
    if (run.position.index + index > 0) ++report_.shared_deliveries;
    if (delivery != subscription.deliveries.size() + 1) {
      Violated(rules::kDenseNumbers, absl::StrCat("sub ", number, " got number ", delivery,
                                                  " after ", subscription.deliveries.size()));
      return;
    }
    subscription.deliveries.push_back(event);
    if (!group.received.insert(event).second) ++report_.duplicates;

    const auto settled = group.settled.find(event);
    if (settled != group.settled.end() &&
        !IsExcused(group, settled->second, subscription.open.instance)) {
      Violated(rules::kSettledStays,
               absl::StrCat("sub ", number, " got ", data, ", which group ",
                            subscription.open.group, " has settled on ", settled->second.instance));
    }

    const bool in_touch = !out_of_touch_.contains(subscription.open.instance);
    uint32_t& times = subscription.times_delivered[event];
    if (run.attempt != 1 || run.times_delivered < 1 || (in_touch && run.times_delivered <= times)) {
      Violated(rules::kAttempts,
               absl::StrCat("sub ", number, " got ", data, " as attempt ", run.attempt,
                            ", delivered ", run.times_delivered, " times, before: ", times));
    }
    times = run.times_delivered;
    subscription.live.emplace(delivery, event);
    leases_.Begin({group.number, subscription.open.instance, event}, {number, delivery}, now_, at_);
  }

  // Whether `instance` may deliver what was settled before: it holds the entry since before it was
  // settled, because one of the two was judged by the other and does not know yet. Of those that
  // were in touch all the time, one can have taken over. And a group that expires may have expired
  // while its instance was out of touch; then it begins anew.
  bool IsExcused(const Group& group, Settlement& settlement, const std::string& instance) const {
    if (group.ephemeral && out_of_touch_.contains(settlement.instance)) return true;
    if (settlement.instance == instance) return false;
    if (out_of_touch_.contains(instance)) return true;
    if (!out_of_touch_.contains(settlement.instance)) return false;
    if (settlement.heir.empty()) settlement.heir = instance;
    return settlement.heir == instance;
  }

  // The lease is over for its holder.
  void EndLease(SubscriptionNumber number, Subscription& subscription, uint64_t delivery) {
    const auto live = subscription.live.find(delivery);
    if (live == subscription.live.end()) return;
    leases_.End({subscription.group->number, subscription.open.instance, live->second},
                {number, delivery}, now_);
    subscription.live.erase(live);
  }

  void EndLeases(SubscriptionNumber number, Subscription& subscription,
                 const std::vector<DeliveryRange>& ranges) {
    for (const DeliveryRange& range : ranges) {
      std::vector<uint64_t> ending;
      for (auto live = subscription.live.lower_bound(range.first);
           live != subscription.live.end() && live->first <= range.last; ++live) {
        ending.push_back(live->first);
      }
      for (const uint64_t delivery : ending) EndLease(number, subscription, delivery);
    }
  }

  void Take(const SettleSent& sent) {
    Subscription& subscription = subscriptions_[sent.subscription];
    EndLeases(sent.subscription, subscription, sent.command.acks);
    EndLeases(sent.subscription, subscription, sent.command.releases);
    if (sent.command.confirm != 0)
      subscription.unconfirmed[sent.command.confirm] = sent.command.acks;
  }

  void Take(const Settled& settled) {
    Subscription* const subscription = Find(settled.subscription, "settled");
    if (subscription == nullptr) return;
    const auto asked = subscription->unconfirmed.extract(settled.info.confirm);
    if (asked.empty()) {
      return Violated(rules::kConversation,
                      absl::StrCat("sub ", settled.subscription, " is told about settle ",
                                   settled.info.confirm, ", which it did not ask for"));
    }
    for (const DeliveryRange& done : settled.info.done) {
      for (uint64_t delivery = done.first; delivery <= done.last; ++delivery) {
        if (delivery > subscription->deliveries.size()) {
          Violated(rules::kConversation, absl::StrCat("sub ", settled.subscription,
                                                      " is told that ", delivery, " is settled"));
          break;
        }
        const bool acked = std::any_of(asked.mapped().begin(), asked.mapped().end(),
                                       [delivery](const DeliveryRange& range) {
                                         return delivery >= range.first && delivery <= range.last;
                                       });
        if (!acked) continue;
        ++report_.confirmed_settles;
        subscription->group->settled.emplace(subscription->deliveries[delivery - 1],
                                             Settlement{subscription->open.instance, ""});
      }
    }
  }

  void Take(const FlowSent& sent) {
    // What was on its way when it was lowered is no mistake, so only the highest counts.
    Subscription& subscription = subscriptions_[sent.subscription];
    subscription.max_in_flight = std::max(subscription.max_in_flight, sent.max_in_flight);
  }

  void Take(const LeasesLost& lost) {
    Subscription* const subscription = Find(lost.subscription, "lost");
    if (subscription != nullptr) EndLeases(lost.subscription, *subscription, lost.deliveries);
  }

  void Take(const DrainSeen& drain) { Find(drain.subscription, "drain"); }

  void Take(const Ended& ended) {
    Subscription* const subscription = Find(ended.subscription, "ended", /*open=*/false);
    if (subscription == nullptr) return;
    EndLeases(ended.subscription, *subscription, {{1, std::numeric_limits<uint64_t>::max()}});
    subscription->ended = true;
  }

  void Take(const Fault& fault) {
    if (fault.out_of_touch) out_of_touch_.insert(fault.instance);
  }

  // ---- At the end ----

  // Whether a group that was opened at `opened_at` must have got the event.
  static bool IsFor(const LedgerEvent& event, const PatternSet& patterns, size_t opened_at,
                    bool from_earliest) {
    return event.fate == PublishFate::kStored && (from_earliest || event.sent_at > opened_at) &&
           patterns.Matches(event.sent.type);
  }

  // Since when the group certainly gets what is published.
  size_t ServedSince(const Group& group) const {
    if (!group.ephemeral) return group.opened_at;
    // It may have expired and come back unseen, unless somebody was there all the time.
    size_t since = history_.size();
    for (const auto& [number, subscription] : subscriptions_) {
      if (subscription.group != &group || subscription.ended) continue;
      since = std::min(since, *subscription.opened_at);
    }
    return since;
  }

  void CheckDelivered() {
    for (const auto& [name, group] : groups_) {
      if (group == nullptr) continue;
      const size_t opened_at = ServedSince(*group);
      for (EventNumber number = 0; number < ledger_.events().size(); ++number) {
        const bool from_earliest = group->from_earliest && !group->ephemeral;
        if (!IsFor(ledger_.event(number), group->patterns, opened_at, from_earliest)) continue;
        if (group->received.contains(number)) continue;
        Violated(rules::kConfirmedIsDelivered,
                 absl::StrCat(ledger_.data(number), " of type ", ledger_.event(number).sent.type,
                              " never reached group ", name));
      }
    }
  }

  void CheckTail(SubscriptionNumber number, const Subscription& subscription) {
    if (!subscription.opened_at.has_value()) return;
    for (const auto& [stream, known] : ledger_.at_position()) {
      if (!subscription.patterns.Matches(stream)) continue;
      const auto found = subscription.seen.find(stream);
      static const std::vector<Position> kNothing;
      const std::vector<Position>& seen =
          found == subscription.seen.end() ? kNothing : found->second;
      for (const auto& [position, event_number] : known) {
        if (std::binary_search(seen.begin(), seen.end(), position)) continue;
        const LedgerEvent& event = ledger_.event(event_number);
        const bool passed = !seen.empty() && position < seen.back() &&
                            (subscription.open.from_earliest || position > seen.front());
        const bool due =
            !subscription.ended && IsFor(event, subscription.patterns, *subscription.opened_at,
                                         subscription.open.from_earliest);
        if (passed || due) {
          Violated(rules::kTailComplete,
                   absl::StrCat("tail ", number, " did not get ", event.sent.data, " at ", stream,
                                "@", position.ToString(), passed ? ", but later ones" : ""));
        }
      }
    }
  }

  const History& history_;
  CheckReport report_;
  EventLedger ledger_;
  SingleLease leases_;
  size_t at_ = 0;
  absl::Duration now_;
  uint64_t groups_seen_ = 0;
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::vector<std::unique_ptr<Group>> expired_;
  std::map<SubscriptionNumber, Subscription> subscriptions_;
  std::set<std::string> out_of_touch_;
};

}  // namespace

CheckReport Check(const History& history, const CheckOptions& options) {
  return Checker(history, options).Run();
}

}  // namespace eventbus::simulation
