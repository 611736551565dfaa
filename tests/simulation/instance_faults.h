#ifndef EVENTBUS_TESTS_SIMULATION_INSTANCE_FAULTS_H_
#define EVENTBUS_TESTS_SIMULATION_INSTANCE_FAULTS_H_

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/history.h"

namespace eventbus::simulation {

// InstanceFaults is the part of the checker that knows what it has to make allowances for.
// Instances by name, whatever incarnation.
class InstanceFaults {
 public:
  void Take(const Fault& fault, absl::Duration now) {
    absl::Duration& ends = trouble_ends_[fault.instance];
    ends = std::max(ends, now + fault.lasts);
    if (fault.out_of_touch) out_of_touch_.insert(fault.instance);
    if (fault.frozen) frozen_.insert(fault.instance);
    if (fault.store_clock) clocks_agree_ = false;
  }

  // Others may have judged it, and taken over what it thinks it has.
  bool OutOfTouch(const std::string& instance) const { return out_of_touch_.contains(instance); }
  // What is used on an instance that nobody hears of looks unused.
  bool anybody_out_of_touch() const { return !out_of_touch_.empty(); }
  // What it does by its clock it may have done late.
  bool WasFrozen(const std::string& instance) const { return frozen_.contains(instance); }
  // When it was frozen or had no store last, the end of that; else the beginning of the world.
  absl::Duration TroubleEnds(const std::string& instance) const {
    const auto found = trouble_ends_.find(instance);
    return found == trouble_ends_.end() ? absl::ZeroDuration() : found->second;
  }
  // Whether what one instance writes down as a time means the same to another one.
  bool clocks_agree() const { return clocks_agree_; }

 private:
  std::set<std::string> out_of_touch_;
  std::set<std::string> frozen_;
  std::map<std::string, absl::Duration> trouble_ends_;
  bool clocks_agree_ = true;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_INSTANCE_FAULTS_H_
