#ifndef EVENTBUS_TESTS_SIMULATION_REDRIVE_WATCH_H_
#define EVENTBUS_TESTS_SIMULATION_REDRIVE_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/history.h"

namespace eventbus::simulation {

namespace rules {
// What comes as redriven was a dead letter, and somebody has redriven it.
inline constexpr char kRedriven[] = "redriven";
}  // namespace rules

// RedriveWatch is the part of the checker that knows which dead letters were redriven, and when.
class RedriveWatch {
 public:
  void Take(const GroupChangeSent& sent);
  void Take(const GroupChangeAnswered& answered, absl::Duration now);

  // Of how many redrives the event may have been a part, if it died not before `since`.
  size_t Most(const std::string& group, const std::string& data, absl::Duration since) const;

 private:
  struct Redrive {
    GroupChangeSent what;
    // Without an answer: it may go on for ever.
    absl::Duration ended = absl::InfiniteDuration();
  };

  // By group.
  std::map<std::string, std::vector<Redrive>> redrives_;
  std::map<uint64_t, std::string> group_of_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_REDRIVE_WATCH_H_
