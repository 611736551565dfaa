#ifndef EVENTBUS_TESTS_SIMULATION_PAUSE_WATCH_H_
#define EVENTBUS_TESTS_SIMULATION_PAUSE_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history.h"
#include "tests/simulation/instance_faults.h"

namespace eventbus::simulation {

namespace rules {
// While a group is paused, and every instance has heard of it, nothing of it is delivered.
inline constexpr char kPaused[] = "paused";
}  // namespace rules

// PauseWatch is the part of the checker that watches that a paused group gets nothing. It knows
// when a group is paused for sure: from the answer to its pause until something that may end it is
// sent.
class PauseWatch {
 public:
  // Both outlive it.
  PauseWatch(const CheckOptions& options, const InstanceFaults* faults, CheckReport* report)
      : options_(options), faults_(*faults), report_(report) {}

  void Take(const GroupChangeSent& sent, absl::Duration now);
  void Take(const GroupChangeAnswered& answered, absl::Duration now);
  // The group was given something.
  void CheckDelivery(const std::string& group, SubscriptionNumber to, const std::string& instance,
                     absl::Duration now, size_t at);

 private:
  // Paused for sure.
  struct Pause {
    absl::Duration since;
    // It has paused from then on.
    std::string instance;
    absl::Duration until;
  };
  struct Group {
    std::optional<Pause> pause;
    // Changes without an answer that may yet end a pause, however late.
    std::set<uint64_t> may_end;
  };

  const CheckOptions options_;
  const InstanceFaults& faults_;
  CheckReport* const report_;
  std::map<std::string, Group> groups_;
  // Waiting for their answers, with when they were sent.
  std::map<uint64_t, std::pair<GroupChangeSent, absl::Duration>> sent_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_PAUSE_WATCH_H_
