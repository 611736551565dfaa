#ifndef EVENTBUS_TESTS_SIMULATION_SEEK_WATCH_H_
#define EVENTBUS_TESTS_SIMULATION_SEEK_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/history.h"
#include "tests/simulation/instance_faults.h"

namespace eventbus::simulation {

namespace rules {
// After a seek comes again what is behind the new place; and nobody loses a delivery by a change of
// the group that nobody made.
inline constexpr char kSought[] = "sought";
}  // namespace rules

// SeekWatch is the part of the checker that knows where groups were sought to, and what that says
// about events: those that must come again, those that need not come, and which deliveries are from
// the new place for sure.
class SeekWatch {
 public:
  // `faults` outlives it.
  SeekWatch(const CheckOptions& options, const InstanceFaults* faults)
      : options_(options), faults_(*faults) {}

  void Take(const GroupChangeSent& sent, absl::Duration now);
  void Take(const GroupChangeAnswered& answered, absl::Duration now, size_t at);

  // How many seeks may have been carried out.
  size_t Sent(const std::string& group) const;
  // Whether what the instance delivers of the group is from the place where it stands now. It is
  // not for sure while a seek waits for its answer, and until the instance must have heard of it.
  bool IsCertain(const std::string& group, const std::string& instance, absl::Duration now) const;

  // What a group that was sought must get.
  struct Must {
    // What was sent after this observation.
    size_t sent_after = 0;
    // Of what was stored at this time of the store or later: again, after `since`. Nullopt: nothing
    // of what is older.
    std::optional<uint64_t> from_ms;
    absl::Duration since;
  };
  // Nullopt: it was never sought.
  std::optional<Must> MustCome(const std::string& group) const;

 private:
  struct Group {
    size_t sent = 0;
    // Without an answer: they may be carried out at any time.
    std::map<uint64_t, std::pair<GroupChangeSent, absl::Duration>> open;
    absl::Duration ended;
    Must must;
  };

  const CheckOptions options_;
  const InstanceFaults& faults_;
  std::map<std::string, Group> groups_;
  std::map<uint64_t, std::string> group_of_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_SEEK_WATCH_H_
