#ifndef EVENTBUS_SERVER_BROKER_GATHERING_H_
#define EVENTBUS_SERVER_BROKER_GATHERING_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace eventbus {

// Gathering decides whether commands that wait for a stream wait a moment longer, so that one
// append takes more of them: a call of a single event costs the store, and the way to it, as much
// as one of a hundred. It is worth it only if more are about to come, so it goes by how many
// clients lately had commands on this stream at once, which mostly publish again once they are
// answered: it waits for three quarters of them, while the rest are on their way. Databases commit
// transactions in groups by the same rule. One client, or a few, never wait. Pure.
class Gathering {
 public:
  // For how long at most. Longer brought no more with 64 calls at once.
  static constexpr absl::Duration kLongest = absl::Microseconds(600);
  // What was under way at once is remembered for so long, and up to twice as long.
  static constexpr absl::Duration kRemembered = absl::Milliseconds(10);

  // `waiting` commands have not left yet, `sent` have and are not answered. `fewest`: with fewer
  // at once nothing waits; the same each time. Times must not go back.
  bool WaitsForMore(uint64_t waiting, uint64_t sent, uint64_t fewest, absl::Duration now) {
    // As nearly always.
    if (waiting + sent < fewest && Most() < fewest) return false;
    Note(waiting + sent, now);
    return Most() >= fewest && 4 * waiting < 3 * Most();
  }

  // It has waited for as long as it may: from now on it goes by what is there now.
  void WaitedInVain(uint64_t waiting, uint64_t sent) {
    most_before_ = 0;
    most_ = waiting + sent;
  }

 private:
  uint64_t Most() const { return std::max(most_, most_before_); }

  void Note(uint64_t at_once, absl::Duration now) {
    if (now - since_ >= kRemembered) {
      most_before_ = now - since_ < 2 * kRemembered ? most_ : 0;
      most_ = 0;
      since_ = now;
    }
    most_ = std::max(most_, at_once);
  }

  // The most at once since then, and in the time before.
  absl::Duration since_;
  uint64_t most_ = 0;
  uint64_t most_before_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GATHERING_H_
