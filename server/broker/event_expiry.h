#ifndef EVENTBUS_SERVER_BROKER_EVENT_EXPIRY_H_
#define EVENTBUS_SERVER_BROKER_EVENT_EXPIRY_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/store/entry.h"

// Events that are to be dropped undelivered once their time is over: the attribute `expirytime`, a
// timestamp, which the door makes of the option ttl. Times are Unix ms. Pure; any thread.
namespace eventbus {

// When an event expires; 0: never. `frame` is an event as an entry holds it, checked at the door.
int64_t ExpiryOf(absl::string_view frame);

// Whether any event of the entry has expired. Costs nothing where none can.
inline bool MayHaveExpired(const Entry& entry, int64_t now_ms) {
  return entry.expires_ms != 0 && entry.expires_ms <= now_ms;
}

// How many of the events [first, first + count) of an entry, from the first one on, have expired,
// or (`expired` false) have not. `offsets` as IndexEvents gives them.
uint32_t CountExpired(const Entry& entry, const std::vector<uint32_t>& offsets, uint32_t first,
                      uint32_t count, int64_t now_ms, bool expired);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_EXPIRY_H_
