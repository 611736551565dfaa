#ifndef EVENTBUS_TESTS_SIMULATION_TAIL_CHECK_H_
#define EVENTBUS_TESTS_SIMULATION_TAIL_CHECK_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/broker/pattern.h"
#include "tests/simulation/event_ledger.h"

namespace eventbus::simulation {

// TailCheck is the part of the checker that watches one tail: it gets its streams in order, and
// leaves out nothing.
class TailCheck {
 public:
  // How it was opened and ended, as far as that matters.
  struct Life {
    PatternSet patterns;
    AttributeFilter filter;
    bool from_earliest = false;
    std::optional<size_t> opened_at;
    bool ended = false;
  };

  // `ledger` and `report` outlive it.
  TailCheck(SubscriptionNumber number, const EventLedger* ledger, CheckReport* report)
      : number_(number), ledger_(*ledger), report_(*report) {}

  void Take(const std::string& stream, const Position& position, const SeenEvent& seen, size_t at);
  // When all is over.
  void CheckComplete(const Life& life, size_t at) const;

 private:
  void Violated(const char* rule, std::string what, size_t at) const;

  const SubscriptionNumber number_;
  const EventLedger& ledger_;
  CheckReport& report_;
  // By stream, in order.
  std::map<std::string, std::vector<Position>> seen_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_TAIL_CHECK_H_
