#include "tests/simulation/checker.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/pattern.h"

namespace eventbus::simulation {
namespace {

// An index into the events sent.
using EventNumber = size_t;

struct Event {
  SentEvent sent;
  uint64_t request = 0;
  // When it was sent and answered, as indexes into the history.
  size_t sent_at = 0;
  std::optional<size_t> answered_at;
  PublishFate fate = PublishFate::kUnknown;
  bool delivered = false;
  // As far as anybody has seen it.
  std::optional<Position> position;
};

struct Group {
  PatternSet patterns;
  bool ephemeral = false;
  bool from_earliest = false;
  // First opened.
  std::optional<size_t> opened_at;
  std::set<EventNumber> received;
  // Settled for good, on which instance.
  std::map<EventNumber, std::string> settled;
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

// A lease that must be over soon, since its event is out at somebody else.
struct Overlap {
  SubscriptionNumber holder = 0;
  uint64_t delivery = 0;
  absl::Duration until;
  size_t at = 0;
};

class Checker {
 public:
  Checker(const History& history, const CheckOptions& options)
      : history_(history), options_(options) {}

  CheckReport Run() {
    for (at_ = 0; at_ < history_.size(); ++at_) {
      now_ = history_[at_].at;
      std::visit([this](const auto& what) { Take(what); }, history_[at_].what);
    }
    CheckOverlapsAtEnd();
    CheckDelivered();
    CheckStoredInOrder();
    for (const auto& [number, subscription] : subscriptions_) {
      if (subscription.open.tail) CheckTail(number, subscription);
    }
    return std::move(report_);
  }

 private:
  void Violated(const char* rule, std::string what) {
    report_.violations.push_back({rule, std::move(what), at_});
  }

  // ---- Publishing ----

  void Take(const PublishSent& sent) {
    std::vector<EventNumber>& request = requests_[sent.request];
    for (const SentEvent& one : sent.events) {
      Event event;
      event.sent = one;
      event.request = sent.request;
      event.sent_at = at_;
      by_data_.emplace(one.data, events_.size());
      request.push_back(events_.size());
      events_.push_back(std::move(event));
    }
  }

  void Take(const PublishAnswered& answered) {
    const std::vector<EventNumber>& request = requests_[answered.request];
    if (request.size() != answered.answers.size()) {
      return Violated(rules::kConversation,
                      absl::StrCat("publish ", answered.request, " has ", request.size(),
                                   " events and ", answered.answers.size(), " answers"));
    }
    for (size_t i = 0; i < request.size(); ++i) {
      const EventAnswer& answer = answered.answers[i];
      Event& event = events_[request[i]];
      event.fate = answer.fate;
      event.answered_at = at_;
      if (answer.fate == PublishFate::kStored) {
        ++report_.confirmed_events;
        NotePosition(request[i], answer.stream, answer.position);
      } else if (answer.fate == PublishFate::kUnknown) {
        ++report_.unknown_events;
      } else if (event.delivered) {
        Violated(
            rules::kNotStoredIsGone,
            absl::StrCat(event.sent.data, " was delivered before it was said not to be stored"));
      }
    }
  }

  void NotePosition(EventNumber number, const std::string& stream, const Position& position) {
    Event& event = events_[number];
    const auto [place, fresh] = at_position_[stream].emplace(position, number);
    if (!fresh && place->second != number) {
      Violated(rules::kOnePosition,
               absl::StrCat(stream, "@", position.ToString(), " has ",
                            events_[place->second].sent.data, " and ", event.sent.data));
    }
    if (stream != event.sent.type) {
      Violated(rules::kOnePosition, absl::StrCat(event.sent.data, " is in the stream ", stream));
    }
    if (event.position.has_value() && *event.position != position) {
      Violated(rules::kOnePosition,
               absl::StrCat(event.sent.data, " is at ", event.position->ToString(), " and at ",
                            position.ToString()));
    }
    event.position = position;
  }

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
    if (group != nullptr && group->ephemeral && opened.group_created) {
      // It had expired, and begins anew.
      expired_.push_back(std::move(group));
    }
    if (group == nullptr) {
      group = std::make_unique<Group>();
      group->patterns = subscription->patterns;
      group->ephemeral = subscription->open.ephemeral;
      group->from_earliest = subscription->open.from_earliest;
      group->opened_at = at_;
    }
    subscription->group = group.get();
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
    const auto found = by_data_.find(seen.data);
    if (found == by_data_.end()) {
      return Violated(rules::kOnlyPublished,
                      absl::StrCat("sub ", number, " got \"", seen.data, "\", which nobody sent"));
    }
    Event& event = events_[found->second];
    event.delivered = true;
    if (event.sent.id != seen.id || event.sent.type != seen.type) {
      Violated(rules::kOnlyPublished,
               absl::StrCat("sub ", number, " got ", seen.data, " as ", seen.type, " ", seen.id,
                            ", sent as ", event.sent.type, " ", event.sent.id));
    }
    if (event.fate == PublishFate::kNotStored) {
      Violated(rules::kNotStoredIsGone,
               absl::StrCat("sub ", number, " got ", seen.data, ", which was not stored"));
    }
    const Position position = {run.position.entry, run.position.index + index};
    NotePosition(found->second, run.stream, position);
    if (!subscription.patterns.Matches(event.sent.type)) {
      Violated(rules::kPatterns,
               absl::StrCat("sub ", number, " got ", seen.data, " of type ", event.sent.type));
    }
    if (subscription.open.tail) return TakeFromTail(number, subscription, run, position, seen);
    TakeLease(number, subscription, run, index, found->second);
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
    const std::string& data = events_[event].sent.data;
    const uint64_t delivery = run.first_delivery + index;
    ++report_.group_deliveries;
    if (delivery != subscription.deliveries.size() + 1) {
      Violated(rules::kDenseNumbers, absl::StrCat("sub ", number, " got number ", delivery,
                                                  " after ", subscription.deliveries.size()));
      return;
    }
    subscription.deliveries.push_back(event);
    if (!group.received.insert(event).second) ++report_.duplicates;

    const auto settled = group.settled.find(event);
    if (settled != group.settled.end() && (settled->second == subscription.open.instance ||
                                           !out_of_touch_.contains(settled->second))) {
      Violated(rules::kSettledStays,
               absl::StrCat("sub ", number, " got ", data, ", which group ",
                            subscription.open.group, " has settled on ", settled->second));
    }

    const bool in_touch = !out_of_touch_.contains(subscription.open.instance);
    uint32_t& times = subscription.times_delivered[event];
    if (run.attempt != 1 || run.times_delivered < 1 || (in_touch && run.times_delivered <= times)) {
      Violated(rules::kAttempts,
               absl::StrCat("sub ", number, " got ", data, " as attempt ", run.attempt,
                            ", delivered ", run.times_delivered, " times, before: ", times));
    }
    times = run.times_delivered;
    NoteOverlaps(number, subscription, event);
    subscription.live.emplace(delivery, event);
    holders_[{&group, subscription.open.instance, event}].insert({number, delivery});
  }

  void NoteOverlaps(SubscriptionNumber number, const Subscription& subscription,
                    EventNumber event) {
    const auto found = holders_.find({subscription.group, subscription.open.instance, event});
    if (found == holders_.end()) return;
    for (const auto& [holder, delivery] : found->second) {
      if (holder == number) {
        Violated(rules::kSingleLease,
                 absl::StrCat("sub ", number, " got ", events_[event].sent.data,
                              " again while it holds it"));
      } else {
        overlaps_.push_back({holder, delivery, now_ + options_.notice_bound, at_});
      }
    }
  }

  // The lease is over for its holder.
  void EndLease(SubscriptionNumber number, Subscription& subscription, uint64_t delivery) {
    const auto live = subscription.live.find(delivery);
    if (live == subscription.live.end()) return;
    const auto holder =
        holders_.find({subscription.group, subscription.open.instance, live->second});
    if (holder != holders_.end()) {
      holder->second.erase({number, delivery});
      if (holder->second.empty()) holders_.erase(holder);
    }
    subscription.live.erase(live);
    std::erase_if(overlaps_, [&](const Overlap& overlap) {
      if (overlap.holder != number || overlap.delivery != delivery) return false;
      if (now_ > overlap.until) OverlapViolated(overlap);
      return true;
    });
  }

  void OverlapViolated(const Overlap& overlap) {
    const EventNumber event = subscriptions_.at(overlap.holder).deliveries[overlap.delivery - 1];
    report_.violations.push_back({rules::kSingleLease,
                                  absl::StrCat(events_[event].sent.data,
                                               " went to another subscriber of the same group and "
                                               "instance while sub ",
                                               overlap.holder, " held it"),
                                  overlap.at});
  }

  void CheckOverlapsAtEnd() {
    for (const Overlap& overlap : overlaps_) {
      if (overlap.until < now_) OverlapViolated(overlap);
    }
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
                                             subscription->open.instance);
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
  static bool IsFor(const Event& event, const PatternSet& patterns, size_t opened_at,
                    bool from_earliest) {
    return event.fate == PublishFate::kStored && (from_earliest || event.sent_at > opened_at) &&
           patterns.Matches(event.sent.type);
  }

  void CheckDelivered() {
    for (const auto& [name, group] : groups_) {
      if (group == nullptr) continue;
      std::optional<size_t> opened_at = group->opened_at;
      if (group->ephemeral) {
        // It may have expired and come back unseen, unless somebody was there all the time.
        opened_at.reset();
        for (const auto& [number, subscription] : subscriptions_) {
          if (subscription.group != group.get() || subscription.ended) continue;
          opened_at =
              std::min(opened_at.value_or(*subscription.opened_at), *subscription.opened_at);
        }
      }
      if (!opened_at.has_value()) continue;
      for (EventNumber number = 0; number < events_.size(); ++number) {
        const bool from_earliest = group->from_earliest && !group->ephemeral;
        if (!IsFor(events_[number], group->patterns, *opened_at, from_earliest)) continue;
        if (group->received.contains(number)) continue;
        Violated(rules::kConfirmedIsDelivered,
                 absl::StrCat(events_[number].sent.data, " of type ", events_[number].sent.type,
                              " never reached group ", name));
      }
    }
  }

  void CheckStoredInOrder() {
    std::map<std::string, std::vector<const Event*>> by_stream;
    for (const Event& event : events_) {
      if (event.fate == PublishFate::kStored) by_stream[event.sent.type].push_back(&event);
    }
    for (const auto& [stream, by_sent] : by_stream) {
      std::vector<const Event*> by_answered = by_sent;
      std::stable_sort(by_answered.begin(), by_answered.end(), [](const Event* a, const Event* b) {
        return *a->answered_at < *b->answered_at;
      });
      const Event* highest = nullptr;
      const Event* previous = nullptr;
      auto answered = by_answered.begin();
      for (const Event* event : by_sent) {
        for (; answered != by_answered.end() && *(*answered)->answered_at < event->sent_at;
             ++answered) {
          if (highest == nullptr || *(*answered)->position > *highest->position)
            highest = *answered;
        }
        if (highest != nullptr && *highest->position > *event->position) {
          Violated(rules::kStoredInOrder,
                   absl::StrCat(event->sent.data, " was sent when ", highest->sent.data,
                                " was confirmed, and is in ", stream, " before it"));
        }
        if (previous != nullptr && previous->request == event->request &&
            *previous->position > *event->position) {
          Violated(rules::kStoredInOrder,
                   absl::StrCat(event->sent.data, " comes in its request after ",
                                previous->sent.data, ", and in ", stream, " before it"));
        }
        previous = event;
      }
    }
  }

  void CheckTail(SubscriptionNumber number, const Subscription& subscription) {
    if (!subscription.opened_at.has_value()) return;
    for (const auto& [stream, known] : at_position_) {
      if (!subscription.patterns.Matches(stream)) continue;
      const auto found = subscription.seen.find(stream);
      static const std::vector<Position> kNothing;
      const std::vector<Position>& seen =
          found == subscription.seen.end() ? kNothing : found->second;
      for (const auto& [position, event_number] : known) {
        if (std::binary_search(seen.begin(), seen.end(), position)) continue;
        const Event& event = events_[event_number];
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
  const CheckOptions options_;
  CheckReport report_;
  size_t at_ = 0;
  absl::Duration now_;
  std::vector<Event> events_;
  std::unordered_map<std::string, EventNumber> by_data_;
  std::map<uint64_t, std::vector<EventNumber>> requests_;
  // By stream.
  std::map<std::string, std::map<Position, EventNumber>> at_position_;
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::vector<std::unique_ptr<Group>> expired_;
  std::map<SubscriptionNumber, Subscription> subscriptions_;
  // Who holds an event of a group on an instance, with which number.
  std::map<std::tuple<const Group*, std::string, EventNumber>,
           std::set<std::pair<SubscriptionNumber, uint64_t>>>
      holders_;
  std::vector<Overlap> overlaps_;
  std::set<std::string> out_of_touch_;
};

}  // namespace

CheckReport Check(const History& history, const CheckOptions& options) {
  return Checker(history, options).Run();
}

}  // namespace eventbus::simulation
