#ifndef EVENTBUS_TESTS_SIMULATION_ATTEMPT_WATCH_H_
#define EVENTBUS_TESTS_SIMULATION_ATTEMPT_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/event_ledger.h"
#include "tests/simulation/instance_faults.h"
#include "tests/simulation/settle_intent.h"

namespace eventbus::simulation {

// AttemptWatch is the part of the checker that watches what the events of one group go through: how
// often they have failed, as far as their subscribers can know, and when they come again.
class AttemptWatch {
 public:
  struct Delivery {
    SubscriptionNumber subscription = 0;
    uint64_t number = 0;
    std::string instance;
    Course course;
    uint32_t attempt = 0;
    std::string last_reason;
    // Its attempts may be counted anew since it was delivered before.
    bool may_begin_anew = false;
    // It is from the place where the group stands now, for sure.
    bool certain = true;
  };

  // All outlive it. `max_latency`: how long a message is on its way.
  AttemptWatch(GroupPolicy policy, absl::Duration max_latency, const InstanceFaults* faults,
               const EventLedger* ledger, CheckReport* report)
      : policy_(std::move(policy)),
        max_latency_(max_latency),
        faults_(faults),
        ledger_(ledger),
        report_(report) {}

  // In the order of their numbers.
  void Take(const Delivery& delivery, absl::Duration now, size_t at);
  void Take(const SettleSent& sent, absl::Duration now);
  // `asked`: the command of which it is the confirmation.
  void Take(const Settled& settled, const SettleCommand& asked);
  void Take(const LeasesLost& lost, absl::Duration now, size_t at);
  // The group may be sought to another place from now on, where all begins anew but what was
  // redriven.
  void BeginAnew() { ++place_; }
  // One of the group's subscriptions has ended.
  void NoteEnded(const std::string& instance) { ended_.push_back(instance); }
  // A connection breaks, perhaps of one of them, which does not know yet; and one of which that was
  // noted has ended.
  void NoteCut() { ++cuts_; }
  void ForgetCut() { --cuts_; }

  const GroupPolicy& policy() const { return policy_; }
  // Somebody was given it.
  bool Knows(const Course& course) const { return PastOf(course) != nullptr; }
  bool Knows(EventNumber event) const { return Knows({event, false}) || Knows({event, true}); }
  // Somebody said so, whether it was heard or not.
  bool AckSent(EventNumber event) const;
  bool RejectSent(EventNumber event) const;
  bool RejectSent(const Course& course) const { return RejectSentAt(course).has_value(); }
  // The last ack, and the first reject.
  std::optional<absl::Duration> AckSentAt(const Course& course) const;
  std::optional<absl::Duration> RejectSentAt(const Course& course) const;
  // An upper bound of how often it has failed.
  uint32_t MostFails(const Course& course, absl::Duration now) const;
  // And of how many broken streams may have been counted against it.
  uint64_t MostCrashes() const { return ended_.size() + cuts_; }
  // Whether an event may have used up what the group allows before anybody was seen to get it.
  bool AnyMayDieUnseen() const {
    return Unseen() > policy_.max_retries ||
           (policy_.max_crashes > 0 && MostCrashes() >= policy_.max_crashes);
  }
  // When it was nacked for the last time, if its subscriber was told that the store has that.
  std::optional<absl::Duration> CertainlyUsedUpAt(const Course& course) const;
  // Whether an attempt of it can have failed with this reason.
  bool CanHaveReason(EventNumber event, const std::string& reason) const;
  // Whether it is from the place where the group stands now, for sure.
  bool IsCurrent(SubscriptionNumber subscription, uint64_t number) const;
  // By deadline, at this time.
  bool MayHaveExpired(SubscriptionNumber subscription, uint64_t number, absl::Duration now) const;

 private:
  enum class Answer { kNone, kDone, kRefused };
  struct Nack {
    absl::Duration sent_at;
    // Of the retry, at least.
    absl::Duration delay;
    Answer answer = Answer::kNone;
    // Where the group stood when it was answered.
    uint64_t answered_in = 0;
  };
  // One delivery.
  struct Lease {
    SubscriptionNumber subscription = 0;
    std::string instance;
    uint32_t attempt = 0;
    bool redriven = false;
    // It is from the group's place with this number, for sure.
    bool certain = true;
    uint64_t place = 0;
    // Its deadline is not before.
    absl::Duration deadline;
    // Commands that change it: their confirmations, and the new deadlines at least.
    std::vector<std::pair<uint64_t, absl::Duration>> extensions;
    std::optional<Nack> nack;
    // It has certainly ended without failing.
    bool spared = false;
    // Its subscriber was told that the deadline has passed.
    bool expired = false;
  };
  struct Past {
    std::vector<Lease> leases;
    std::set<std::string> reasons;
    std::optional<absl::Duration> ack_sent_at;
    std::optional<absl::Duration> reject_sent_at;
  };

  void Violated(const char* rule, std::string what, size_t at);
  Lease* Find(SubscriptionNumber subscription, uint64_t number, Course* course = nullptr);
  const Past* PastOf(const Course& course) const;
  bool DeadlineMayHavePassed(const Lease& lease, absl::Duration now) const;
  bool MayHaveFailed(const Lease& lease, absl::Duration now) const;
  bool IsCurrent(const Lease& lease) const {
    return lease.redriven || (lease.certain && lease.place == place_);
  }
  bool HasCertainlyFailed(const Lease& lease, const std::string& for_instance) const;
  // Deliveries that nobody saw may have failed too.
  uint32_t Unseen() const;
  // The shortest that the policy allows after so many fails.
  absl::Duration ShortestDelay(uint32_t fails) const;
  void CheckCount(const Delivery& delivery, const Past& past, absl::Duration now, size_t at);
  void CheckDelay(const Delivery& delivery, const Lease& last, absl::Duration now, size_t at);

  const GroupPolicy policy_;
  const absl::Duration max_latency_;
  const InstanceFaults* const faults_;
  const EventLedger* const ledger_;
  CheckReport* const report_;
  std::map<Course, Past> events_;
  // By subscription, then by delivery number less one: which lease of which event.
  std::map<SubscriptionNumber, std::vector<std::pair<Course, size_t>>> deliveries_;
  // How often it may have been sought.
  uint64_t place_ = 0;
  // The instances of subscriptions that have ended.
  std::vector<std::string> ended_;
  uint64_t cuts_ = 0;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_ATTEMPT_WATCH_H_
