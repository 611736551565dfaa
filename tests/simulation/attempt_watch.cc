#include "tests/simulation/attempt_watch.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/broker/delivery_ranges.h"
#include "server/broker/retry_policy.h"
#include "tests/simulation/clock_error.h"

namespace eventbus::simulation {
namespace {

using Kind = SettleIntent::Kind;

constexpr absl::Duration kRounding = absl::Milliseconds(1);
// What is not before this has no bound.
constexpr absl::Duration kAnyTime = -absl::InfiniteDuration();

// What the command names of the deliveries 1 to `last`.
std::set<uint64_t> NumbersIn(const SettleCommand& command, uint64_t last) {
  std::set<uint64_t> numbers;
  for (const DeliveryRange& range : AllRanges(command)) {
    for (uint64_t number = std::max<uint64_t>(range.first, 1); number <= std::min(range.last, last);
         ++number) {
      numbers.insert(number);
    }
  }
  return numbers;
}

}  // namespace

void AttemptWatch::Violated(const char* rule, std::string what, size_t at) {
  report_->violations.push_back({rule, std::move(what), at});
}

AttemptWatch::Lease* AttemptWatch::Find(SubscriptionNumber subscription, uint64_t number,
                                        EventNumber* event) {
  const auto found = deliveries_.find(subscription);
  if (found == deliveries_.end() || number == 0 || number > found->second.size()) return nullptr;
  const auto& [its_event, index] = found->second[number - 1];
  if (event != nullptr) *event = its_event;
  return &events_[its_event].leases[index];
}

const AttemptWatch::Past* AttemptWatch::PastOf(EventNumber event) const {
  const auto found = events_.find(event);
  return found == events_.end() ? nullptr : &found->second;
}

// ---- What may have failed ----

bool AttemptWatch::DeadlineMayHavePassed(const Lease& lease, absl::Duration now) const {
  // A frozen instance hears late of what was settled in time, and what it had sent arrives late.
  return lease.expired || faults_->WasFrozen(lease.instance) || lease.deadline - kRounding <= now;
}

bool AttemptWatch::MayHaveFailed(const Lease& lease, absl::Duration now) const {
  if (lease.expired) return true;
  if (lease.spared) return false;
  if (lease.nack.has_value() && lease.nack->answer != Answer::kRefused) return true;
  return DeadlineMayHavePassed(lease, now);
}

bool AttemptWatch::HasCertainlyFailed(const Lease& lease, const std::string& for_instance) const {
  if (faults_->OutOfTouch(lease.instance) || faults_->OutOfTouch(for_instance)) return false;
  const bool confirmed = lease.nack.has_value() && lease.nack->answer == Answer::kDone;
  // A deadline is confirmed to nobody: with its instance it may be forgotten.
  return confirmed || (lease.expired && lease.instance == for_instance);
}

uint32_t AttemptWatch::Unseen() const {
  return static_cast<uint32_t>(
      std::count_if(ended_.begin(), ended_.end(),
                    [this](const std::string& instance) { return faults_->WasFrozen(instance); }));
}

uint32_t AttemptWatch::MostFails(EventNumber event, absl::Duration now) const {
  const Past* const past = PastOf(event);
  if (past == nullptr) return Unseen();
  return Unseen() + static_cast<uint32_t>(std::count_if(
                        past->leases.begin(), past->leases.end(),
                        [&](const Lease& lease) { return MayHaveFailed(lease, now); }));
}

bool AttemptWatch::AckSent(EventNumber event) const {
  const Past* const past = PastOf(event);
  return past != nullptr && past->ack_sent;
}

bool AttemptWatch::RejectSent(EventNumber event) const {
  const Past* const past = PastOf(event);
  return past != nullptr && past->reject_sent;
}

bool AttemptWatch::CertainlyUsedUp(EventNumber event) const {
  const Past* const past = PastOf(event);
  if (past == nullptr) return false;
  return std::any_of(past->leases.begin(), past->leases.end(), [this](const Lease& lease) {
    return lease.attempt > policy_.max_retries && lease.nack.has_value() &&
           lease.nack->answer == Answer::kDone && !faults_->OutOfTouch(lease.instance);
  });
}

bool AttemptWatch::CanHaveReason(EventNumber event, const std::string& reason) const {
  const Past* const past = PastOf(event);
  if (past != nullptr && past->reasons.contains(reason)) return true;
  return absl::StrContains(reason, "deadline");
}

bool AttemptWatch::MayHaveExpired(SubscriptionNumber subscription, uint64_t number,
                                  absl::Duration now) const {
  const auto found = deliveries_.find(subscription);
  if (found == deliveries_.end() || number == 0 || number > found->second.size()) return false;
  const auto& [event, index] = found->second[number - 1];
  return DeadlineMayHavePassed(events_.at(event).leases[index], now);
}

// ---- What is seen ----

void AttemptWatch::Take(const Delivery& delivery, absl::Duration now, size_t at) {
  Past& past = events_[delivery.event];
  CheckCount(delivery, past, now, at);
  if (!past.leases.empty()) CheckDelay(delivery, past.leases.back(), now, at);
  if (delivery.attempt == 1 ? !delivery.last_reason.empty()
                            : !CanHaveReason(delivery.event, delivery.last_reason)) {
    Violated(rules::kReasons,
             absl::StrCat("sub ", delivery.subscription, " got ", ledger_->data(delivery.event),
                          " as attempt ", delivery.attempt, " with the reason \"",
                          delivery.last_reason, "\""),
             at);
  }
  deliveries_[delivery.subscription].emplace_back(delivery.event, past.leases.size());
  Lease lease;
  lease.subscription = delivery.subscription;
  lease.instance = delivery.instance;
  lease.attempt = delivery.attempt;
  lease.deadline = now - max_latency_ + policy_.ack_deadline;
  past.leases.push_back(std::move(lease));
}

void AttemptWatch::CheckCount(const Delivery& delivery, const Past& past, absl::Duration now,
                              size_t at) {
  const auto least = static_cast<uint32_t>(std::count_if(
      past.leases.begin(), past.leases.end(),
      [&](const Lease& lease) { return HasCertainlyFailed(lease, delivery.instance); }));
  const uint32_t most = std::min(MostFails(delivery.event, now), policy_.max_retries);
  const uint32_t fails = delivery.attempt - 1;
  if (delivery.attempt > 0 && fails >= least && fails <= most) return;
  Violated(rules::kAttempts,
           absl::StrCat("sub ", delivery.subscription, " got ", ledger_->data(delivery.event),
                        " as attempt ", delivery.attempt, ", of which ", least, " to ", most,
                        " have failed; the group allows ", policy_.max_retries, " retries"),
           at);
}

absl::Duration AttemptWatch::ShortestDelay(uint32_t fails) const {
  return RetryDelay(policy_, fails, /*random=*/0);
}

void AttemptWatch::CheckDelay(const Delivery& delivery, const Lease& last, absl::Duration now,
                              size_t at) {
  if (delivery.attempt <= last.attempt) return;
  if (faults_->OutOfTouch(delivery.instance) || faults_->OutOfTouch(last.instance)) return;
  absl::Duration tolerance = kRounding;
  if (delivery.subscription != last.subscription || policy_.ordered) {
    // Another instance may have been told when it is due.
    if (!faults_->clocks_agree() || faults_->WasFrozen(delivery.instance)) return;
    tolerance = kClockError;
  }
  // Whichever came first, if it can have been either.
  absl::Duration due =
      faults_->WasFrozen(last.instance) ? kAnyTime : last.deadline + ShortestDelay(last.attempt);
  if (last.nack.has_value() && last.nack->answer != Answer::kRefused) {
    due = std::min(due, last.nack->sent_at + last.nack->delay);
  }
  if (now >= due - tolerance) return;
  Violated(rules::kRetryDelay,
           absl::StrCat("sub ", delivery.subscription, " got ", ledger_->data(delivery.event),
                        " again ", absl::FormatDuration(due - now), " before its retry was due"),
           at);
}

void AttemptWatch::Take(const SettleSent& sent, absl::Duration now) {
  const auto found = deliveries_.find(sent.subscription);
  if (found == deliveries_.end()) return;
  for (const uint64_t number : NumbersIn(sent.command, found->second.size())) {
    const SettleIntent intent = IntentOn(sent.command, number);
    EventNumber event = 0;
    Lease& lease = *Find(sent.subscription, number, &event);
    Past& past = events_[event];
    if (intent.kind == Kind::kAck) past.ack_sent = true;
    if (intent.kind == Kind::kReject) past.reject_sent = true;
    if (intent.kind == Kind::kNack && !lease.nack.has_value()) {
      lease.nack = Nack{now, intent.nack->delay.value_or(ShortestDelay(lease.attempt))};
    }
    if (intent.kind == Kind::kNack) past.reasons.insert(intent.nack->reason);
    if (intent.kind == Kind::kReject) {
      for (const RejectCommand& reject : sent.command.rejects) past.reasons.insert(reject.reason);
    }
    if (intent.kind == Kind::kExtend) {
      const absl::Duration until = now + intent.extension->deadline.value_or(policy_.ack_deadline);
      lease.extensions.emplace_back(sent.command.confirm, until);
      lease.deadline = std::min(lease.deadline, until);
    }
  }
}

void AttemptWatch::Take(const Settled& settled, const SettleCommand& asked) {
  const auto found = deliveries_.find(settled.subscription);
  if (found == deliveries_.end()) return;
  for (const uint64_t number : NumbersIn(asked, found->second.size())) {
    const SettleIntent intent = IntentOn(asked, number);
    Lease& lease = *Find(settled.subscription, number);
    const bool done = Names(settled.info.done, number);
    const bool refused =
        Names(settled.info.unknown, number) || Names(settled.info.too_late, number);
    if (intent.kind == Kind::kNack && lease.nack.has_value()) {
      if (done) lease.nack->answer = Answer::kDone;
      if (refused && lease.nack->answer == Answer::kNone) lease.nack->answer = Answer::kRefused;
    } else if (intent.kind == Kind::kExtend && done) {
      // What it was before does not count any more; what was sent since may.
      const auto confirmed =
          std::find_if(lease.extensions.begin(), lease.extensions.end(),
                       [&](const auto& extension) { return extension.first == asked.confirm; });
      // Not there: a later one was confirmed first.
      if (confirmed == lease.extensions.end()) continue;
      lease.extensions.erase(lease.extensions.begin(), confirmed);
      lease.deadline = absl::InfiniteDuration();
      for (const auto& [confirm, until] : lease.extensions) {
        lease.deadline = std::min(lease.deadline, until);
      }
    } else if (done && (intent.kind == Kind::kRelease || intent.kind == Kind::kReject)) {
      lease.spared = true;
    }
  }
}

void AttemptWatch::Take(const LeasesLost& lost, absl::Duration now, size_t at) {
  if (lost.reason != LostReason::kDeadline) return;
  for (const DeliveryRange& range : lost.deliveries) {
    for (uint64_t number = range.first; number <= range.last; ++number) {
      EventNumber event = 0;
      Lease* const lease = Find(lost.subscription, number, &event);
      if (lease == nullptr) continue;
      if (!DeadlineMayHavePassed(*lease, now)) {
        Violated(rules::kDeadlines,
                 absl::StrCat("sub ", lost.subscription, " lost ", ledger_->data(event), " ",
                              absl::FormatDuration(lease->deadline - now), " before its deadline"),
                 at);
      }
      lease->expired = true;
    }
  }
}

}  // namespace eventbus::simulation
