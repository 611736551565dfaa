#ifndef EVENTBUS_TESTS_SIMULATION_FATE_CHECK_H_
#define EVENTBUS_TESTS_SIMULATION_FATE_CHECK_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/checked_group.h"
#include "tests/simulation/redrive_watch.h"

namespace eventbus::simulation {

// FateCheck is the part of the checker that asks, when all is over, what has become of each event
// in a group: its dead letters are as they must be, and nothing is lost.
class FateCheck {
 public:
  // All outlive it. `at`: the history's size; `now`: its end.
  FateCheck(CheckedGroup* group, const InstanceFaults* faults, const EventLedger* ledger,
            const RedriveWatch* redrives, CheckReport* report, absl::Duration now, size_t at)
      : group_(*group),
        faults_(*faults),
        ledger_(*ledger),
        redrives_(*redrives),
        report_(*report),
        now_(now),
        at_(at) {}

  // First.
  void CheckLetters();
  // Of an event that the group must have got, or has got.
  // `since`: an ack before that does not count, for the group was sought back.
  void CheckFate(EventNumber event, absl::Duration since = absl::ZeroDuration());
  // Whether it may have ended without a trace.
  bool MayBeGivenUp(EventNumber event) const;
  // Whether it may have died after `since` before anybody saw it: all that was seen since is how
  // its letter, redriven, was delivered and acked.
  bool MayHaveDiedUnseen(EventNumber event, absl::Duration since) const;

 private:
  void Violated(const char* rule, const std::string& what);
  void CheckLetter(const LetterSeen& letter, EventNumber event);
  // Empty: its cause can be.
  std::string WrongCause(const DeadLetterDetails& details, EventNumber event) const;
  // When it was rejected, or nacked for the last time, for sure.
  std::optional<absl::Duration> CertainlyDeadSince(EventNumber event) const;

  CheckedGroup& group_;
  const InstanceFaults& faults_;
  const EventLedger& ledger_;
  const RedriveWatch& redrives_;
  CheckReport& report_;
  const absl::Duration now_;
  const size_t at_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_FATE_CHECK_H_
