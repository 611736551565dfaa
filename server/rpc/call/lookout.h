#ifndef EVENTBUS_SERVER_RPC_CALL_LOOKOUT_H_
#define EVENTBUS_SERVER_RPC_CALL_LOOKOUT_H_

#include <algorithm>
#include <optional>

#include "absl/time/time.h"
#include "server/loop/loop.h"

namespace eventbus {

// Decides how long a thread that has nothing to do looks for an answer that is due before it
// sleeps. Being woken takes longer than an answer from the same machine, and costs as much CPU; an
// answer from further away is not worth the wait. Which of the two it is, is learnt, as hypervisors
// do with a halted CPU. Pure.
class Lookout {
 public:
  // Idle time for one answer.
  static constexpr absl::Duration kLongest = absl::Microseconds(150);
  // After so many more in vain than not, it is tried only once in a while.
  static constexpr int kMostTrust = 16;
  static constexpr int kTriedEvery = 64;

  // There is nothing to do, and an answer is due. True: look for it once more; false: sleep.
  bool LookAgain(absl::Duration now) {
    if (!looked_at_.has_value() && looked_ == absl::ZeroDuration() && trust_ == 0) {
      if (++untried_ < kTriedEvery) return false;
      untried_ = 0;
    }
    if (looked_at_.has_value()) looked_ += now - *looked_at_;
    looked_at_ = now;
    if (looked_ < kLongest) return true;
    trust_ = std::max(trust_ - 1, 0);
    Stop();
    return false;
  }
  // There was something else to do: that time does not count.
  void Interrupted() { looked_at_.reset(); }
  // What the look has brought. Answers come over sockets; tasks are other work.
  void Brought(Helped helped) {
    if (helped == Helped::kRanTasks) Interrupted();
    if (helped != Helped::kServedSockets) return;
    if (looked_at_.has_value()) trust_ = std::min(trust_ + 1, kMostTrust);
    Stop();
  }
  // None is due any more.
  void Stop() {
    looked_at_.reset();
    looked_ = absl::ZeroDuration();
  }

 private:
  // When it was looked last, if nothing has come between.
  std::optional<absl::Duration> looked_at_;
  absl::Duration looked_;
  int trust_ = kMostTrust;
  int untried_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_LOOKOUT_H_
