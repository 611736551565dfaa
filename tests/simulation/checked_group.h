#ifndef EVENTBUS_TESTS_SIMULATION_CHECKED_GROUP_H_
#define EVENTBUS_TESTS_SIMULATION_CHECKED_GROUP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "server/broker/pattern.h"
#include "tests/simulation/attempt_watch.h"
#include "tests/simulation/event_ledger.h"
#include "tests/simulation/instance_faults.h"
#include "tests/simulation/key_order.h"

namespace eventbus::simulation {

// The confirmed end of an event in a group.
struct Settlement {
  std::string instance;
  // The one that had taken over from it, if others may have judged it.
  std::string heir;
  bool rejected = false;
  // The group may have been sought since, so the event may come again.
  bool undone = false;
  // When the subscriber heard of it, and whether the delivery's deadline may have passed before:
  // then somebody else may have been given it in the same moment.
  absl::Duration at;
  bool late = false;
};

// What the checker knows of a group, in one of its lives.
struct CheckedGroup {
  explicit CheckedGroup(AttemptWatch watch) : attempts(std::move(watch)) {}

  std::string name;
  // Different for each of its lives.
  uint64_t number = 0;
  PatternSet patterns;
  bool ephemeral = false;
  // There was one of this name before.
  bool had_expired = false;
  bool from_earliest = false;
  // First opened.
  size_t opened_at = 0;
  // When somebody was opened or ended last.
  absl::Duration last_used;
  std::set<EventNumber> received;
  // As it was published: when it was delivered last, and whether from the place where the group
  // stands now, for sure.
  std::map<EventNumber, absl::Duration> delivered_at;
  std::set<EventNumber> current;
  // As a dead letter that was redriven: when it was delivered last.
  std::map<EventNumber, absl::Duration> redriven_at;
  std::map<Course, Settlement> settled;
  AttemptWatch attempts;
  // If it is ordered.
  KeyOrder key_order;
  std::vector<LetterSeen> letters;
  // Those that have a letter.
  std::map<EventNumber, size_t> dead;
  // How often it may have been sought.
  size_t seeks = 0;
};

// The group may be sought to another place from now on.
inline void BeginAnew(CheckedGroup& group) {
  group.attempts.BeginAnew();
  group.key_order.BeginAnew();
  group.current.clear();
  for (auto& [course, settlement] : group.settled) {
    if (!course.redriven) settlement.undone = true;
  }
}

// Whether `instance` may do what contradicts the settlement: it holds the entry since before that,
// because one of the two was judged by the other and does not know yet. Of those that were in touch
// all the time, one can have taken over. And a group that expires may have expired while its
// instance was out of touch; then it begins anew.
inline bool IsExcused(const CheckedGroup& group, Settlement& settlement,
                      const std::string& instance, const InstanceFaults& faults) {
  if (group.ephemeral && faults.OutOfTouch(settlement.instance)) return true;
  if (settlement.instance == instance) return false;
  if (faults.OutOfTouch(instance)) return true;
  if (!faults.OutOfTouch(settlement.instance)) return false;
  if (settlement.heir.empty()) settlement.heir = instance;
  return settlement.heir == instance;
}

// Whether the event may be delivered there all the same. `sent_after`: since when that must be on
// its way.
inline bool MayComeAfter(Settlement& settlement, const CheckedGroup& group,
                         const std::string& instance, const InstanceFaults& faults,
                         absl::Duration sent_after) {
  // Settled late, it may have been given to somebody else just before.
  if (settlement.late && sent_after <= settlement.at) return true;
  return IsExcused(group, settlement, instance, faults);
}

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_CHECKED_GROUP_H_
