#include "server/rpc/heartbeat.h"

namespace eventbus {
namespace {

constexpr uint32_t kMaxUnanswered = 2;

}  // namespace

Heartbeat::Decision Heartbeat::Decide(absl::Duration now) {
  Decision decision;
  const absl::Duration silence = now - last_sent_;
  if (silence < interval_) {
    decision.again_in = interval_ - silence;
    return decision;
  }
  if (expects_pongs_ && unanswered_ >= kMaxUnanswered) {
    decision.action = Decision::Action::kGone;
    return decision;
  }
  decision.action = Decision::Action::kPing;
  decision.again_in = interval_;
  decision.ping = ++pings_;
  if (expects_pongs_) ++unanswered_;
  return decision;
}

}  // namespace eventbus
