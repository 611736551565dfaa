#include "server/broker/stall_watch.h"

namespace eventbus {

std::optional<StallWatch::Change> StallWatch::Look(absl::Duration now, bool could,
                                                   absl::Duration last_progress,
                                                   absl::Duration patience) {
  const bool waited = since_ != absl::InfiniteDuration();
  if (!could || !waited || last_progress > since_) {
    const absl::Duration lasted = waited ? now - since_ : absl::ZeroDuration();
    since_ = could ? now : absl::InfiniteDuration();
    if (!stalled_) return std::nullopt;
    stalled_ = false;
    return Change{false, lasted};
  }
  if (stalled_ || now - since_ < patience) return std::nullopt;
  stalled_ = true;
  return Change{true, now - since_};
}

}  // namespace eventbus
