#include "server/rpc/heartbeat.h"

#include <algorithm>

namespace eventbus {
namespace {

constexpr uint32_t kMaxUnanswered = 2;
// Time enough for an answer, on any line.
constexpr absl::Duration kLeastPatience = absl::Seconds(2);

}  // namespace

absl::Duration Heartbeat::Patience(bool blocked) const {
  return blocked ? interval_ : std::min(interval_, std::max(interval_ / 3, kLeastPatience));
}

absl::Duration Heartbeat::NextStep(bool blocked) const {
  if (!expects_pongs_) return last_sent_ + interval_;
  if (unanswered_ > 0) return last_ping_ + Patience(blocked);
  return std::min(last_sent_, last_received_) + interval_;
}

Heartbeat::Decision Heartbeat::Decide(absl::Duration now, bool blocked) {
  Decision decision;
  const absl::Duration next = NextStep(blocked);
  if (now < next) {
    decision.again_in = next - now;
    return decision;
  }
  if (expects_pongs_ && unanswered_ >= kMaxUnanswered) {
    decision.action = Decision::Action::kGone;
    return decision;
  }
  decision.action = Decision::Action::kPing;
  decision.ping = ++pings_;
  last_ping_ = now;
  if (expects_pongs_) ++unanswered_;
  decision.again_in = expects_pongs_ ? Patience(blocked) : interval_;
  return decision;
}

}  // namespace eventbus
