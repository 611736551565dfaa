// GroupStream: events whose time was over before anybody got them.
#include <vector>

#include "server/broker/event_expiry.h"
#include "server/broker/group_stream.h"

namespace eventbus {

void GroupStream::DropExpired(HeldEntry& entry) {
  if (entry.entry.expires_ms == 0) return;
  const int64_t now_ms = absl::ToUnixMillis(context_->loop->WallNow());
  if (!MayHaveExpired(entry.entry, now_ms)) return;
  uint64_t dropped = 0;
  for (uint32_t i = 0; i < entry.size(); ++i) {
    if (CountExpired(entry.entry, entry.offsets, i, 1, now_ms, /*expired=*/true) == 0) continue;
    const DeliveryPhase phase = entry.events[i].phase;
    if (phase != DeliveryPhase::kReady && phase != DeliveryPhase::kWaiting) continue;
    if (!Advance(DeliveryInput::kAck, &entry.events[i])) continue;
    entry.troubles.erase(i);
    ++dropped;
  }
  if (dropped > 0) context_->events->OnExpired(dropped);
}

void GroupStream::DropExpiredReady() {
  while (!ready_.empty()) {
    const EntryRun run = ready_.front();
    const HeldEntry& held = *run.entry;
    if (held.entry.expires_ms == 0) return;
    const int64_t now_ms = absl::ToUnixMillis(context_->loop->WallNow());
    if (!MayHaveExpired(held.entry, now_ms)) return;
    // The first run of expired ones.
    const uint32_t fresh =
        CountExpired(held.entry, held.offsets, run.first, run.count, now_ms, /*expired=*/false);
    if (fresh == run.count) return;
    const uint32_t first = run.first + fresh;
    const uint32_t expired =
        CountExpired(held.entry, held.offsets, first, run.count - fresh, now_ms, /*expired=*/true);
    context_->events->OnExpired(expired);
    Settle({run.entry, first, expired}, nullptr);
    Changed();
    // What is before them goes first.
    if (fresh > 0) return;
  }
}

}  // namespace eventbus
