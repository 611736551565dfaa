#include "tests/simulation/checker.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/delivery_ranges.h"
#include "server/broker/pattern.h"
#include "tests/simulation/checked_group.h"
#include "tests/simulation/event_frames.h"
#include "tests/simulation/event_ledger.h"
#include "tests/simulation/fate_check.h"
#include "tests/simulation/pause_watch.h"
#include "tests/simulation/publish_rules.h"
#include "tests/simulation/redrive_watch.h"
#include "tests/simulation/seek_watch.h"
#include "tests/simulation/single_lease.h"
#include "tests/simulation/tail_check.h"

namespace eventbus::simulation {
namespace {

// Before anything happened.
constexpr absl::Duration kEver = absl::ZeroDuration();

struct Subscription {
  OpenSent open;
  PatternSet patterns;
  CheckedGroup* group = nullptr;
  std::optional<size_t> opened_at;
  bool ended = false;
  // A connection to its instance broke.
  bool may_be_cut = false;
  uint32_t max_in_flight = 0;
  // By delivery number, less one.
  std::vector<Course> deliveries;
  std::map<uint64_t, Course> live;
  std::map<Course, uint32_t> times_delivered;
  // Settles that wait for their confirmation.
  std::map<uint64_t, SettleCommand> unconfirmed;
  // Of a tail.
  std::optional<TailCheck> tail;
};

class Checker {
 public:
  Checker(const History& history, const CheckOptions& options)
      : history_(history),
        options_(options),
        ledger_(&report_),
        publish_rules_(&ledger_, &report_),
        leases_(options.notice_bound, &ledger_, &report_),
        pauses_(options, &faults_, &report_),
        seeks_(options, &faults_) {}

  CheckReport Run() {
    for (at_ = 0; at_ < history_.size(); ++at_) {
      now_ = history_[at_].at;
      std::visit([this](const auto& what) { Take(what); }, history_[at_].what);
    }
    leases_.CheckAtEnd(now_);
    CheckFates();
    ledger_.CheckStoredInOrder(at_);
    for (const auto& [number, subscription] : subscriptions_) {
      if (subscription.tail.has_value()) {
        subscription.tail->CheckComplete(
            {subscription.patterns, subscription.open.filter, subscription.open.from_earliest,
             subscription.opened_at, subscription.ended},
            at_);
      }
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

  void Take(const PublishSent& sent) {
    ledger_.Take(sent, at_);
    publish_rules_.Take(sent);
  }
  void Take(const PublishAnswered& answered) { ledger_.Take(answered, at_); }

  // ---- Subscribing ----

  void Take(const OpenSent& open) {
    Subscription& subscription = subscriptions_[open.subscription];
    subscription.open = open;
    subscription.max_in_flight = open.max_in_flight;
    const absl::StatusOr<PatternSet> patterns = PatternSet::Parse(open.patterns);
    if (patterns.ok()) subscription.patterns = *patterns;
    if (open.tail) subscription.tail.emplace(open.subscription, &ledger_, &report_);
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
    std::unique_ptr<CheckedGroup>& group = groups_[subscription->open.group];
    const bool again = group != nullptr;
    if (group != nullptr && group->ephemeral && opened.group_created && !InUse(*group) &&
        (faults_.anybody_out_of_touch() || now_ - group->last_used >= options_.shortest_expiry)) {
      // It had expired, and begins anew. (Else the answers have overtaken each other.)
      expired_.push_back(std::move(group));
    }
    if (group == nullptr) {
      group = std::make_unique<CheckedGroup>(AttemptWatch(
          subscription->open.policy, options_.max_latency, &faults_, &ledger_, &report_));
      group->name = subscription->open.group;
      group->number = ++groups_seen_;
      group->had_expired = again;
      group->patterns = subscription->patterns;
      group->ephemeral = subscription->open.ephemeral;
      group->from_earliest = subscription->open.from_earliest;
      group->opened_at = at_;
      for (const std::string& instance : ended_unopened_[group->name]) {
        group->attempts.NoteEnded(instance);
      }
      if (seeks_.Sent(group->name) > 0) BeginAnew(*group);
    }
    group->last_used = now_;
    subscription->group = group.get();
  }

  bool InUse(const CheckedGroup& group) const {
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
    if (subscription->open.tail) return;
    CheckInFlight(delivered.subscription, *subscription);
    pauses_.CheckDelivery(subscription->open.group, delivered.subscription,
                          subscription->open.instance, now_, at_);
  }

  void CheckInFlight(SubscriptionNumber number, const Subscription& subscription) {
    if (subscription.live.size() <= subscription.max_in_flight) return;
    // What somebody acks late is taken from whoever has it, and that one is not told.
    const auto certain = static_cast<size_t>(std::count_if(
        subscription.live.begin(), subscription.live.end(), [&subscription](const auto& live) {
          return !subscription.group->attempts.AckSent(live.second.event);
        }));
    if (certain <= subscription.max_in_flight) return;
    Violated(rules::kInFlightLimit,
             absl::StrCat("sub ", number, " has ", certain, " in flight, and asked for ",
                          subscription.max_in_flight));
  }

  void TakeEvent(SubscriptionNumber number, Subscription& subscription, const SeenRun& run,
                 uint32_t index, const SeenEvent& seen) {
    const Position position = {run.position.entry, run.position.index + index};
    const std::optional<EventNumber> event =
        ledger_.TakeDelivery(number, seen, run.stream, position, at_);
    if (!event.has_value()) return;
    publish_rules_.TakeDelivery(number, *event, now_, at_);
    if (!subscription.patterns.Matches(ledger_.event(*event).sent.type)) {
      Violated(rules::kPatterns, absl::StrCat("sub ", number, " got ", seen.data, " of type ",
                                              ledger_.event(*event).sent.type));
    }
    if (!Wants(subscription.open.wanted(), ledger_.event(*event).sent)) {
      Violated(rules::kFilters, absl::StrCat("sub ", number, " got ", seen.data, ", and wants ",
                                             subscription.open.wanted().ToString()));
    }
    if (subscription.tail.has_value()) {
      return subscription.tail->Take(run.stream, position, seen, at_);
    }
    TakeLease(number, subscription, run, index, *event);
  }

  void TakeLease(SubscriptionNumber number, Subscription& subscription, const SeenRun& run,
                 uint32_t index, EventNumber event) {
    CheckedGroup& group = *subscription.group;
    const std::string& data = ledger_.data(event);
    const uint64_t delivery = run.first_delivery + index;
    ++report_.group_deliveries;
    if (run.position.index + index > 0) ++report_.shared_deliveries;
    if (delivery != subscription.deliveries.size() + 1) {
      Violated(rules::kDenseNumbers, absl::StrCat("sub ", number, " got number ", delivery,
                                                  " after ", subscription.deliveries.size()));
      return;
    }
    const Course course = {event, run.redriven};
    subscription.deliveries.push_back(course);
    if (!group.received.insert(event).second) ++report_.duplicates;
    if (run.redriven) CheckRedriven(number, group, event);
    const bool certain =
        run.redriven || seeks_.IsCertain(group.name, subscription.open.instance, now_);
    // It may have died once in each place that the group was sought to, and then there are several
    // letters of it, which are redriven each for itself.
    const bool several = run.redriven && seeks_.Sent(group.name) > 0;
    if (certain && !several) CheckSettled(number, subscription, course);
    if (run.redriven) {
      group.redriven_at[event] = now_;
    } else {
      group.delivered_at[event] = now_;
      if (certain) group.current.insert(event);
    }

    // It may have been redriven once more, or the group sought.
    const bool anew =
        run.redriven ? several || redrives_.Most(group.name, data, kEver) > 1 : !certain;
    // What goes to another instance and back, as an ordered group's streams may, is counted there.
    const bool in_touch = !faults_.OutOfTouch(subscription.open.instance) &&
                          !group.attempts.policy().ordered && !anew;
    uint32_t& times = subscription.times_delivered[course];
    if (run.times_delivered < 1 || (in_touch && run.times_delivered <= times)) {
      Violated(rules::kAttempts, absl::StrCat("sub ", number, " got ", data, " delivered ",
                                              run.times_delivered, " times, before: ", times));
    }
    if (certain) times = run.times_delivered;
    if (run.attempt > 1) ++report_.retries;
    group.attempts.Take({number, delivery, subscription.open.instance, course, run.attempt,
                         run.last_reason, anew, certain},
                        now_, at_);
    // What is redriven comes behind others of its key, and is in no order.
    if (group.attempts.policy().ordered && !run.redriven && certain) {
      CheckKeyOrder(number, group, run, index, event);
    }
    subscription.live.emplace(delivery, course);
    if (several) return;
    leases_.Begin({group.number, subscription.open.instance, course}, {number, delivery}, now_,
                  at_);
  }

  void CheckSettled(SubscriptionNumber number, const Subscription& subscription,
                    const Course& course) {
    CheckedGroup& group = *subscription.group;
    const auto settled = group.settled.find(course);
    if (settled == group.settled.end() || settled->second.undone) return;
    const std::string& data = ledger_.data(course.event);
    Settlement& settlement = settled->second;
    if (MayComeAfter(settlement, group, subscription.open.instance, faults_,
                     now_ - options_.max_latency - options_.max_batch_delay)) {
      return;
    }
    // A dead letter once more, and redriven once more.
    if (course.redriven && settlement.rejected &&
        redrives_.Most(group.name, data, *group.attempts.RejectSentAt(course)) > 0) {
      group.settled.erase(settled);
      return;
    }
    Violated(rules::kSettledStays,
             absl::StrCat("sub ", number, " got ", data, ", which group ", group.name,
                          " has settled on ", settlement.instance));
  }

  // Of a delivery that is said to be redriven.
  void CheckRedriven(SubscriptionNumber number, const CheckedGroup& group, EventNumber event) {
    ++report_.redriven;
    const std::string& data = ledger_.data(event);
    const AttemptWatch& attempts = group.attempts;
    const GroupPolicy& policy = attempts.policy();
    const auto wrong = [&](absl::string_view why) {
      Violated(rules::kRedriven,
               absl::StrCat("sub ", number, " got ", data, " as redriven, ", why));
    };
    if (redrives_.Most(group.name, data, kEver) == 0) return wrong("and nobody did that");
    const bool may_be_dead =
        policy.dead_letter &&
        (attempts.RejectSent(event) ||
         attempts.MostFails({event, false}, now_) > policy.max_retries ||
         (policy.max_crashes > 0 && attempts.MostCrashes() >= policy.max_crashes));
    if (!may_be_dead) return wrong("and it cannot have been a dead letter");
    const auto settled = group.settled.find({event, false});
    if (settled != group.settled.end() && !settled->second.rejected &&
        !faults_.anybody_out_of_touch() && seeks_.Sent(group.name) == 0) {
      wrong(absl::StrCat("and it was acked for sure on ", settled->second.instance));
    }
  }

  void CheckKeyOrder(SubscriptionNumber number, CheckedGroup& group, const SeenRun& run,
                     uint32_t index, EventNumber event) {
    const std::string key = KeyOf(ledger_.data(event));
    if (key.empty()) return;
    const AttemptWatch& attempts = group.attempts;
    const auto over = [&](EventNumber earlier) {
      // How often streams broke while it was held is not followed here.
      return attempts.policy().max_crashes > 0 || attempts.AckSent(earlier) ||
             attempts.RejectSent(earlier) ||
             attempts.MostFails({earlier, false}, now_) > attempts.policy().max_retries;
    };
    const auto wrong = group.key_order.Take(
        run.stream, key, {run.position.entry, run.position.index + index}, event, over);
    if (!wrong.has_value()) return;
    Violated(rules::kKeyOrder,
             absl::StrCat("sub ", number, " got ", ledger_.data(event),
                          wrong->was_overtaken ? " after the later " : " before the end of ",
                          ledger_.data(wrong->other), " of the same key"));
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
    if (subscription.group != nullptr) subscription.group->attempts.Take(sent, now_);
    TakeFromOthers(subscription, sent);
    EndLeases(sent.subscription, subscription, sent.command.acks);
    EndLeases(sent.subscription, subscription, sent.command.releases);
    for (const NackCommand& nack : sent.command.nacks) {
      EndLeases(sent.subscription, subscription, nack.deliveries);
    }
    for (const RejectCommand& reject : sent.command.rejects) {
      EndLeases(sent.subscription, subscription, reject.deliveries);
    }
    if (sent.command.confirm != 0) subscription.unconfirmed[sent.command.confirm] = sent.command;
  }

  // An ack that comes after the deadline counts all the same, and takes the event from whoever has
  // it now.
  void TakeFromOthers(const Subscription& subscription, const SettleSent& sent) {
    for (const DeliveryRange& range : sent.command.acks) {
      for (uint64_t number = std::max<uint64_t>(range.first, 1);
           number <= std::min<uint64_t>(range.last, subscription.deliveries.size()); ++number) {
        const auto others =
            leases_.LaterThan({subscription.group->number, subscription.open.instance,
                               subscription.deliveries[number - 1]},
                              {sent.subscription, number});
        for (const auto& [other, delivery] : others) {
          EndLease(other, subscriptions_[other], delivery);
        }
      }
    }
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
    subscription->group->attempts.Take(settled, asked.mapped());
    for (const DeliveryRange& done : settled.info.done) {
      for (uint64_t delivery = done.first; delivery <= done.last; ++delivery) {
        if (delivery > subscription->deliveries.size()) {
          Violated(rules::kConversation, absl::StrCat("sub ", settled.subscription,
                                                      " is told that ", delivery, " is settled"));
          break;
        }
        NoteSettled(settled.subscription, *subscription, delivery,
                    IntentOn(asked.mapped(), delivery).kind);
      }
    }
  }

  void NoteSettled(SubscriptionNumber number, Subscription& subscription, uint64_t delivery,
                   SettleIntent::Kind kind) {
    const bool rejected = kind == SettleIntent::Kind::kReject;
    if (kind != SettleIntent::Kind::kAck && !rejected) return;
    ++report_.confirmed_settles;
    CheckedGroup& group = *subscription.group;
    // Else it may be about the place where the group stood before.
    if (!group.attempts.IsCurrent(number, delivery)) return;
    const auto [settled, fresh] = group.settled.try_emplace(subscription.deliveries[delivery - 1]);
    if (!fresh && !settled->second.undone) return;
    settled->second = {
        subscription.open.instance, "",   rejected,
        /*undone=*/false,           now_, group.attempts.MayHaveExpired(number, delivery, now_)};
  }

  void Take(const FlowSent& sent) {
    // What was on its way when it was lowered is no mistake, so only the highest counts.
    Subscription& subscription = subscriptions_[sent.subscription];
    subscription.max_in_flight = std::max(subscription.max_in_flight, sent.max_in_flight);
  }

  void Take(const LeasesLost& lost) {
    Subscription* const subscription = Find(lost.subscription, "lost");
    if (subscription == nullptr) return;
    subscription->group->attempts.Take(lost, now_, at_);
    if (lost.reason == LostReason::kGroupChanged && seeks_.Sent(subscription->open.group) == 0) {
      Violated(rules::kSought, absl::StrCat("sub ", lost.subscription,
                                            " lost something, for the group was changed; nobody "
                                            "did that"));
    }
    if (lost.reason == LostReason::kDeadline) {
      for (const DeliveryRange& range : lost.deliveries) report_.expired += CountOf(range);
    }
    EndLeases(lost.subscription, *subscription, lost.deliveries);
  }

  void Take(const DrainSeen& drain) { Find(drain.subscription, "drain"); }

  void Take(const Ended& ended) {
    Subscription* const subscription = Find(ended.subscription, "ended", /*open=*/false);
    if (subscription == nullptr) return;
    EndLeases(ended.subscription, *subscription, {{1, std::numeric_limits<uint64_t>::max()}});
    subscription->ended = true;
    if (subscription->may_be_cut) subscription->group->attempts.ForgetCut();
    // Whoever never heard that it is open may hold something all the same.
    const auto group = groups_.find(subscription->open.group);
    if (group == groups_.end() || group->second == nullptr) {
      ended_unopened_[subscription->open.group].push_back(subscription->open.instance);
      return;
    }
    group->second->attempts.NoteEnded(subscription->open.instance);
    if (subscription->group != nullptr) subscription->group->last_used = now_;
  }

  void Take(const Fault& fault) {
    faults_.Take(fault, now_);
    if (!fault.cut) return;
    for (auto& [number, subscription] : subscriptions_) {
      const bool is_new = !subscription.ended && !subscription.may_be_cut;
      if (!is_new || subscription.open.instance != fault.instance) continue;
      if (subscription.group == nullptr) continue;
      subscription.may_be_cut = true;
      subscription.group->attempts.NoteCut();
    }
  }

  void Take(const GroupChangeSent& sent) {
    pauses_.Take(sent, now_);
    redrives_.Take(sent);
    if (sent.kind != GroupChangeKind::kSeek) return;
    seeks_.Take(sent, now_);
    const auto group = groups_.find(sent.group);
    if (group == groups_.end() || group->second == nullptr) return;
    BeginAnew(*group->second);
    for (auto& [number, subscription] : subscriptions_) {
      if (subscription.group != group->second.get()) continue;
      std::erase_if(subscription.times_delivered,
                    [](const auto& times) { return !times.first.redriven; });
    }
  }
  void Take(const GroupChangeAnswered& answered) {
    if (answered.done) ++report_.group_changes;
    pauses_.Take(answered, now_);
    redrives_.Take(answered, now_);
    seeks_.Take(answered, now_, at_);
  }

  void Take(const LetterSeen& letter) {
    const auto group = groups_.find(letter.group);
    if (group == groups_.end() || group->second == nullptr) return;
    // What could not be removed when a group expired is found by the next one of its name.
    const std::optional<EventNumber> event = ledger_.Find(letter.event.data);
    if (group->second->had_expired && event.has_value() && !group->second->attempts.Knows(*event)) {
      return;
    }
    group->second->letters.push_back(letter);
  }

  // ---- At the end ----

  // Since when the group certainly gets what is published.
  size_t ServedSince(const CheckedGroup& group) const {
    if (!group.ephemeral) return group.opened_at;
    // It may have expired and come back unseen, unless somebody was there all the time.
    size_t since = history_.size();
    for (const auto& [number, subscription] : subscriptions_) {
      if (subscription.group != &group || subscription.ended) continue;
      since = std::min(since, *subscription.opened_at);
    }
    return since;
  }

  void CheckFates() {
    for (const auto& [name, group] : groups_) {
      if (group == nullptr) continue;
      group->seeks = seeks_.Sent(name);
      FateCheck fates(group.get(), &faults_, &ledger_, &redrives_, &report_, now_, at_);
      fates.CheckLetters();
      // Where an event is dropped without a trace, nobody may have seen it: its stream broke.
      // What a seek skips need not be whole.
      if (!group->ephemeral && group->attempts.policy().dead_letter && group->seeks == 0) {
        std::set<EventNumber> seen = group->received;
        for (const auto& [event, letters] : group->dead) seen.insert(event);
        publish_rules_.CheckGroup(name, group->attempts.policy().filter, seen, at_);
      }
      if (group->seeks > 0) {
        CheckSought(*group, fates, *seeks_.MustCome(name));
        continue;
      }
      const size_t opened_at = ServedSince(*group);
      const bool from_earliest = group->from_earliest && !group->ephemeral;
      for (EventNumber number = 0; number < ledger_.events().size(); ++number) {
        // What an ephemeral group had may go with it.
        const bool had = !group->ephemeral && group->received.contains(number);
        if (had || IsFor(ledger_.event(number), group->patterns, group->attempts.policy().filter,
                         opened_at, from_earliest)) {
          fates.CheckFate(number);
        }
      }
    }
  }

  void CheckSought(CheckedGroup& group, FateCheck& fates, const SeekWatch::Must& must) {
    const size_t sent_after = std::max(group.opened_at, must.sent_after);
    const AttributeFilter& filter = group.attempts.policy().filter;
    for (EventNumber number = 0; number < ledger_.events().size(); ++number) {
      const LedgerEvent& event = ledger_.event(number);
      const bool later = IsFor(event, group.patterns, filter, sent_after, /*from_earliest=*/false);
      const bool again = must.from_ms.has_value() &&
                         IsFor(event, group.patterns, filter, 0, /*from_earliest=*/true) &&
                         (*must.from_ms == 0 || (event.position.has_value() &&
                                                 event.position->entry.ms >= *must.from_ms));
      if (again) {
        const auto delivered = group.delivered_at.find(number);
        const bool came = delivered != group.delivered_at.end() && delivered->second >= must.since;
        // Nobody may have seen it: its stream broke, and it was too late. Its letter may be there,
        // or have been redriven.
        if (!came && !group.dead.contains(number) && !fates.MayBeGivenUp(number) &&
            !fates.MayHaveDiedUnseen(number, must.since)) {
          Violated(rules::kSought,
                   absl::StrCat("group ", group.name, " was sought back, and did not get ",
                                event.sent.data, " again"));
          continue;
        }
      }
      const bool redriven = group.attempts.Knows({number, true});
      if (!again && !later && !redriven && !group.current.contains(number)) continue;
      fates.CheckFate(number, again ? must.since : kEver);
    }
  }

  const History& history_;
  const CheckOptions options_;
  CheckReport report_;
  InstanceFaults faults_;
  EventLedger ledger_;
  PublishRules publish_rules_;
  SingleLease leases_;
  PauseWatch pauses_;
  RedriveWatch redrives_;
  SeekWatch seeks_;
  size_t at_ = 0;
  absl::Duration now_;
  uint64_t groups_seen_ = 0;
  std::map<std::string, std::unique_ptr<CheckedGroup>> groups_;
  std::vector<std::unique_ptr<CheckedGroup>> expired_;
  // By group: instances of subscriptions that ended before anybody heard that the group is open.
  std::map<std::string, std::vector<std::string>> ended_unopened_;
  std::map<SubscriptionNumber, Subscription> subscriptions_;
};

}  // namespace

CheckReport Check(const History& history, const CheckOptions& options) {
  return Checker(history, options).Run();
}

}  // namespace eventbus::simulation
