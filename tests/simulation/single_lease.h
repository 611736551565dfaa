#ifndef EVENTBUS_TESTS_SIMULATION_SINGLE_LEASE_H_
#define EVENTBUS_TESTS_SIMULATION_SINGLE_LEASE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/event_ledger.h"

namespace eventbus::simulation {

// SingleLease is the part of the checker that watches that within a group an instance has an event
// out at one subscriber at a time.
class SingleLease {
 public:
  // What a lease is of.
  struct Leased {
    // Of the group, different for each of its lives.
    uint64_t group = 0;
    std::string instance;
    Course course;
    friend auto operator<=>(const Leased&, const Leased&) = default;
  };
  // Who has it: a subscription, and its delivery number.
  using Holder = std::pair<SubscriptionNumber, uint64_t>;

  // When an event goes on to somebody else, the one who had it hears that its own lease is over
  // within `notice_bound`. All outlive it.
  SingleLease(absl::Duration notice_bound, const EventLedger* ledger, CheckReport* report)
      : notice_bound_(notice_bound), ledger_(ledger), report_(report) {}

  void Begin(const Leased& leased, const Holder& holder, absl::Duration now, size_t at);
  void End(const Leased& leased, const Holder& holder, absl::Duration now);
  // Who was given it after this one, and has it still.
  std::vector<Holder> LaterThan(const Leased& leased, const Holder& holder) const;
  void CheckAtEnd(absl::Duration now);

 private:
  // A lease that must be over soon, since its event is out at somebody else.
  struct Overlap {
    Holder holder;
    EventNumber event = 0;
    absl::Duration until;
    size_t at = 0;
  };

  void Violated(const Overlap& overlap);

  const absl::Duration notice_bound_;
  const EventLedger* const ledger_;
  CheckReport* const report_;
  // With the order in which they came.
  std::map<Leased, std::map<Holder, uint64_t>> holders_;
  uint64_t begun_ = 0;
  std::vector<Overlap> overlaps_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_SINGLE_LEASE_H_
