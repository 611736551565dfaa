#ifndef EVENTBUS_SERVER_BROKER_STALL_WATCH_H_
#define EVENTBUS_SERVER_BROKER_STALL_WATCH_H_

#include <optional>

#include "absl/time/time.h"

namespace eventbus {

// Tells when something that has work to do and room to do it stands still. Asked from time to time;
// pure, with the clock of whoever asks.
class StallWatch {
 public:
  struct Change {
    bool stalled = false;
    // For how long nothing has happened, or had happened.
    absl::Duration lasted;
  };

  // `could`: there is something to do, and nothing is in its way. `last_progress`: when something
  // was done last. Stalled is what could go on for `patience`, at every look in that time, and did
  // not. Answers when that begins and when it ends.
  std::optional<Change> Look(absl::Duration now, bool could, absl::Duration last_progress,
                             absl::Duration patience);
  bool stalled() const { return stalled_; }

 private:
  // Since when it could and did not. Infinite future: it does, or cannot.
  absl::Duration since_ = absl::InfiniteDuration();
  bool stalled_ = false;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_STALL_WATCH_H_
