#ifndef EVENTBUS_SERVER_BROKER_ENTRY_TIME_H_
#define EVENTBUS_SERVER_BROKER_ENTRY_TIME_H_

#include <cstdint>

#include "absl/time/time.h"
#include "server/store/entry.h"

// Entries and times of the store's clock: an entry's id says in which millisecond it was stored.
// Pure; any thread.
namespace eventbus {

inline absl::Time TimeOf(EntryId id) { return absl::FromUnixMillis(static_cast<int64_t>(id.ms)); }

// The first id that an entry can have that was stored at or after this time.
inline EntryId FirstSince(absl::Time time) {
  if (time <= absl::UnixEpoch()) return EntryId::Min();
  if (time == absl::InfiniteFuture()) return EntryId::Max();
  const int64_t ms = absl::ToUnixMillis(time + absl::Milliseconds(1) - absl::Nanoseconds(1));
  return {static_cast<uint64_t>(ms), 0};
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_ENTRY_TIME_H_
