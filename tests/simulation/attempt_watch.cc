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
                                        Course* course) {
  const auto found = deliveries_.find(subscription);
  if (found == deliveries_.end() || number == 0 || number > found->second.size()) return nullptr;
  const auto& [its_course, index] = found->second[number - 1];
  if (course != nullptr) *course = its_course;
  return &events_[its_course].leases[index];
}

const AttemptWatch::Past* AttemptWatch::PastOf(const Course& course) const {
  const auto found = events_.find(course);
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
  if (!IsCurrent(lease)) return false;
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

uint32_t AttemptWatch::MostFails(const Course& course, absl::Duration now) const {
  const Past* const past = PastOf(course);
  if (past == nullptr) return Unseen();
  return Unseen() + static_cast<uint32_t>(std::count_if(
                        past->leases.begin(), past->leases.end(),
                        [&](const Lease& lease) { return MayHaveFailed(lease, now); }));
}

bool AttemptWatch::AckSent(EventNumber event) const {
  return AckSentAt({event, false}).has_value() || AckSentAt({event, true}).has_value();
}

bool AttemptWatch::RejectSent(EventNumber event) const {
  return RejectSent(Course{event, false}) || RejectSent(Course{event, true});
}

std::optional<absl::Duration> AttemptWatch::AckSentAt(const Course& course) const {
  const Past* const past = PastOf(course);
  return past == nullptr ? std::nullopt : past->ack_sent_at;
}

std::optional<absl::Duration> AttemptWatch::RejectSentAt(const Course& course) const {
  const Past* const past = PastOf(course);
  return past == nullptr ? std::nullopt : past->reject_sent_at;
}

std::optional<absl::Duration> AttemptWatch::CertainlyUsedUpAt(const Course& course) const {
  const Past* const past = PastOf(course);
  if (past == nullptr) return std::nullopt;
  for (auto lease = past->leases.rbegin(); lease != past->leases.rend(); ++lease) {
    const bool nacked =
        lease->nack.has_value() &&
        (lease->redriven || (lease->certain && lease->nack->answered_in == lease->place));
    if (lease->attempt > policy_.max_retries && nacked && lease->nack->answer == Answer::kDone &&
        !faults_->OutOfTouch(lease->instance)) {
      return lease->nack->sent_at;
    }
  }
  return std::nullopt;
}

bool AttemptWatch::CanHaveReason(EventNumber event, const std::string& reason) const {
  for (const bool redriven : {false, true}) {
    const Past* const past = PastOf({event, redriven});
    if (past != nullptr && past->reasons.contains(reason)) return true;
  }
  return absl::StrContains(reason, "deadline");
}

bool AttemptWatch::IsCurrent(SubscriptionNumber subscription, uint64_t number) const {
  const auto found = deliveries_.find(subscription);
  if (found == deliveries_.end() || number == 0 || number > found->second.size()) return false;
  const auto& [course, index] = found->second[number - 1];
  return IsCurrent(events_.at(course).leases[index]);
}

bool AttemptWatch::MayHaveExpired(SubscriptionNumber subscription, uint64_t number,
                                  absl::Duration now) const {
  const auto found = deliveries_.find(subscription);
  if (found == deliveries_.end() || number == 0 || number > found->second.size()) return false;
  const auto& [course, index] = found->second[number - 1];
  return DeadlineMayHavePassed(events_.at(course).leases[index], now);
}

// ---- What is seen ----

void AttemptWatch::Take(const Delivery& delivery, absl::Duration now, size_t at) {
  Past& past = events_[delivery.course];
  CheckCount(delivery, past, now, at);
  if (!past.leases.empty() && !delivery.may_begin_anew && IsCurrent(past.leases.back()))
    CheckDelay(delivery, past.leases.back(), now, at);
  if (delivery.attempt == 1 ? !delivery.last_reason.empty()
                            : !CanHaveReason(delivery.course.event, delivery.last_reason)) {
    Violated(rules::kReasons,
             absl::StrCat("sub ", delivery.subscription, " got ",
                          ledger_->data(delivery.course.event), " as attempt ", delivery.attempt,
                          " with the reason \"", delivery.last_reason, "\""),
             at);
  }
  deliveries_[delivery.subscription].emplace_back(delivery.course, past.leases.size());
  Lease lease;
  lease.subscription = delivery.subscription;
  lease.instance = delivery.instance;
  lease.attempt = delivery.attempt;
  lease.redriven = delivery.course.redriven;
  lease.certain = delivery.certain;
  lease.place = place_;
  lease.deadline = now - max_latency_ + policy_.ack_deadline;
  past.leases.push_back(std::move(lease));
}

void AttemptWatch::CheckCount(const Delivery& delivery, const Past& past, absl::Duration now,
                              size_t at) {
  const auto least = delivery.may_begin_anew
                         ? 0
                         : static_cast<uint32_t>(std::count_if(
                               past.leases.begin(), past.leases.end(), [&](const Lease& lease) {
                                 return HasCertainlyFailed(lease, delivery.instance);
                               }));
  const uint32_t most = std::min(MostFails(delivery.course, now), policy_.max_retries);
  const uint32_t fails = delivery.attempt - 1;
  if (delivery.attempt > 0 && fails >= least && fails <= most) return;
  Violated(
      rules::kAttempts,
      absl::StrCat("sub ", delivery.subscription, " got ", ledger_->data(delivery.course.event),
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
  Violated(
      rules::kRetryDelay,
      absl::StrCat("sub ", delivery.subscription, " got ", ledger_->data(delivery.course.event),
                   " again ", absl::FormatDuration(due - now), " before its retry was due"),
      at);
}

void AttemptWatch::Take(const SettleSent& sent, absl::Duration now) {
  const auto found = deliveries_.find(sent.subscription);
  if (found == deliveries_.end()) return;
  for (const uint64_t number : NumbersIn(sent.command, found->second.size())) {
    const SettleIntent intent = IntentOn(sent.command, number);
    Course course;
    Lease& lease = *Find(sent.subscription, number, &course);
    Past& past = events_[course];
    if (intent.kind == Kind::kAck) past.ack_sent_at = now;
    if (intent.kind == Kind::kReject && !past.reject_sent_at.has_value()) past.reject_sent_at = now;
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
      if (done) {
        lease.nack->answer = Answer::kDone;
        lease.nack->answered_in = place_;
      }
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
      Course course;
      Lease* const lease = Find(lost.subscription, number, &course);
      if (lease == nullptr) continue;
      if (!DeadlineMayHavePassed(*lease, now)) {
        Violated(rules::kDeadlines,
                 absl::StrCat("sub ", lost.subscription, " lost ", ledger_->data(course.event), " ",
                              absl::FormatDuration(lease->deadline - now), " before its deadline"),
                 at);
      }
      lease->expired = true;
    }
  }
}

}  // namespace eventbus::simulation
