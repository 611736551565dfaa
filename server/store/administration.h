#ifndef EVENTBUS_SERVER_STORE_ADMINISTRATION_H_
#define EVENTBUS_SERVER_STORE_ADMINISTRATION_H_

#include <cstdint>
#include <string>

#include "server/store/entry.h"
#include "server/store/group_key.h"

// What operators ask of a store and what it answers: a part of StreamStore (stream_store.h).
namespace eventbus {

struct GroupInfoRequest {
  std::string stream;
  GroupKey group;
  // Look also at what is pending, which costs more.
  bool count_pending = false;
};

// How far a group is on a stream.
struct GroupInfo {
  // Read and not acknowledged.
  uint64_t pending_entries = 0;
  // Events of these entries, those included that are settled already: an estimate where there are
  // many entries. 0 if not asked for.
  uint64_t pending_events = 0;
  // Events that no consumer of the group got yet. `exact` where there are few, and always where
  // there are none; else an estimate, for the store does not know how many events lie between two
  // entries.
  uint64_t unread_events = 0;
  bool exact = true;
  // The last entry that was handed out, or after which the group began. Min(): none.
  EntryId last_read;
  // The oldest entry that is pending, and the oldest that is not read. Max(): none.
  EntryId first_pending = EntryId::Max();
  EntryId first_unread = EntryId::Max();
  // Events that were trimmed before the group had settled them, as in GroupLoss; of all its
  // generations.
  uint64_t lost_events = 0;
};

// What an instance tells of itself now and then (instances.stats_interval); opaque to the store.
struct InstanceStats {
  std::string incarnation;
  std::string stats;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_ADMINISTRATION_H_
