#ifndef EVENTBUS_TESTS_SIMULATION_PUBLISH_RULES_H_
#define EVENTBUS_TESTS_SIMULATION_PUBLISH_RULES_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/event_ledger.h"
#include "tests/simulation/history.h"

namespace eventbus::simulation {

namespace rules {
// A delayed event reaches nobody before it is due.
inline constexpr char kDelayedOnTime[] = "delayed-on-time";
// Of an atomic batch a group gets all, or nothing; and all of it is in one entry.
inline constexpr char kAtomicBatch[] = "atomic-batch";
}  // namespace rules

// PublishRules is the part of the checker that knows what publishers asked for besides storing
// their events: to deliver them later, to store all or none. `at`: the index of the observation.
class PublishRules {
 public:
  // Both outlive it.
  PublishRules(const EventLedger* ledger, CheckReport* report)
      : ledger_(*ledger), report_(report) {}

  // After the ledger has taken it.
  void Take(const PublishSent& sent);
  void TakeDelivery(SubscriptionNumber to, EventNumber event, absl::Duration now, size_t at);
  // At the end: what a durable group has received.
  void CheckGroup(const std::string& group, const AttributeFilter& filter,
                  const std::set<EventNumber>& received, size_t at);

 private:
  void Violated(const char* rule, std::string what, size_t at);

  const EventLedger& ledger_;
  CheckReport* const report_;
  // Of delayed events: due at the earliest, if all that was sent of them was delayed.
  std::map<EventNumber, absl::Duration> due_;
  std::vector<std::vector<EventNumber>> atomic_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_PUBLISH_RULES_H_
