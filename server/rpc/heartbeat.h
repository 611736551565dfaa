#ifndef EVENTBUS_SERVER_RPC_HEARTBEAT_H_
#define EVENTBUS_SERVER_RPC_HEARTBEAT_H_

#include <cstdint>

#include "absl/time/time.h"

namespace eventbus {

// When a subscriber's call needs a ping, and when its client counts as gone. Pure: told what
// happens and what time it is, on a clock that never goes back. Not synchronised.
class Heartbeat {
 public:
  Heartbeat() = default;
  // A ping is due after `interval` without a message from the server. With `expects_pongs` one is
  // also due after `interval` without a message from the client, whatever is sent to it; if it is
  // not answered, another one soon after, and a client that lets both pass is gone.
  Heartbeat(absl::Duration interval, bool expects_pongs, absl::Duration now)
      : interval_(interval), expects_pongs_(expects_pongs), last_sent_(now), last_received_(now) {}

  void Sent(absl::Duration now) { last_sent_ = now; }
  // Any message of the client: it lives.
  void Received(absl::Duration now) {
    last_received_ = now;
    unanswered_ = 0;
  }
  // The client has said that it will send nothing more, so it cannot answer.
  void NoMoreToReceive() { expects_pongs_ = false; }

  struct Decision {
    enum class Action { kWait, kPing, kGone };
    Action action = Action::kWait;
    // When to ask again.
    absl::Duration again_in;
    // Of the ping.
    uint64_t ping = 0;
  };
  // `blocked`: a message is being written, and a ping cannot be. It counts as unanswered all the
  // same, since the client may read nothing; but as it may just be slow, the next step is a whole
  // interval away.
  Decision Decide(absl::Duration now, bool blocked);

 private:
  // From an unanswered ping to the next step.
  absl::Duration Patience(bool blocked) const;
  absl::Duration NextStep(bool blocked) const;

  absl::Duration interval_ = absl::Seconds(15);
  bool expects_pongs_ = false;
  absl::Duration last_sent_;
  absl::Duration last_received_;
  absl::Duration last_ping_;
  uint64_t pings_ = 0;
  uint32_t unanswered_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_HEARTBEAT_H_
