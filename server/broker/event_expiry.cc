#include "server/broker/event_expiry.h"

#include <limits>

#include "server/broker/entry_reader.h"
#include "server/broker/event_scanner.h"

namespace eventbus {

int64_t ExpiryOf(absl::string_view frame) {
  EntryReader reader(frame);
  FramedEvent framed;
  if (!reader.Next(&framed)) return 0;
  // A full scan, for the few events of entries that have any expiry at all.
  EventLimits limits;
  limits.max_event_bytes = std::numeric_limits<size_t>::max();
  ScannedEvent event;
  FieldViolation violation;
  return ScanEvent(framed.event, limits, &event, &violation) ? event.expires_ms : 0;
}

uint32_t CountExpired(const Entry& entry, const std::vector<uint32_t>& offsets, uint32_t first,
                      uint32_t count, int64_t now_ms, bool expired) {
  uint32_t counted = 0;
  while (counted < count) {
    const uint32_t i = first + counted;
    const int64_t expires_ms =
        ExpiryOf(entry.value.view().substr(offsets[i], offsets[i + 1] - offsets[i]));
    const bool has = expires_ms != 0 && expires_ms <= now_ms;
    if (has != expired) break;
    ++counted;
  }
  return counted;
}

}  // namespace eventbus
