#ifndef EVENTBUS_SERVER_BROKER_HELD_ENTRY_H_
#define EVENTBUS_SERVER_BROKER_HELD_ENTRY_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "server/broker/event_delivery.h"
#include "server/broker/state_record.h"
#include "server/store/entry.h"

namespace eventbus {

class Member;

// An entry that is pending for this instance in one group, with the state of each of its events.
// Owned by its GroupStream; loop thread only.
struct HeldEntry {
  // A part of the entry that a member has.
  struct Holder {
    Member* member = nullptr;
    // Delivery number of the first of these events.
    uint64_t first_delivery = 0;
    uint32_t first = 0;
    uint32_t count = 0;
  };

  Entry entry;
  // Where each event begins in the value, and the value's size.
  std::vector<uint32_t> offsets;
  std::vector<EventDelivery> events;
  absl::InlinedVector<Holder, 1> holders;
  uint32_t unsettled = 0;
  uint32_t in_flight = 0;
  // Since when the store knows less than we do of what is settled; infinite past: it knows all.
  absl::Duration unsaved_since = -absl::InfiniteDuration();

  uint32_t size() const { return static_cast<uint32_t>(events.size()); }
  bool unsaved() const { return unsaved_since != -absl::InfiniteDuration(); }
  // Some events are settled and others are not.
  bool partly_settled() const { return unsettled > 0 && unsettled < size(); }
  uint64_t BytesOf(uint32_t first, uint32_t count) const {
    return offsets[first + count] - offsets[first];
  }
  Bytes FramesOf(uint32_t first, uint32_t count) const {
    return entry.value.Slice(offsets[first], BytesOf(first, count));
  }

  std::string EncodeState() const {
    StateRecord record;
    record.events.resize(events.size());
    for (size_t i = 0; i < events.size(); ++i) {
      record.events[i].settled = events[i].phase == DeliveryPhase::kSettled;
      record.events[i].failed_attempts = events[i].failed_attempts;
      record.events[i].crashes = events[i].crashes;
    }
    return record.Encode();
  }
};

// Events of an entry that follow each other and fare alike.
struct EntryRun {
  HeldEntry* entry = nullptr;
  uint32_t first = 0;
  uint32_t count = 0;
};

// Cuts the events [first, first + count) that are in `phase` into runs of equal state, in order.
inline std::vector<EntryRun> RunsIn(HeldEntry& entry, DeliveryPhase phase, uint32_t first,
                                    uint32_t count) {
  std::vector<EntryRun> runs;
  for (uint32_t i = first; i < first + count; ++i) {
    if (entry.events[i].phase != phase) continue;
    const bool continues = !runs.empty() && runs.back().first + runs.back().count == i &&
                           entry.events[i - 1] == entry.events[i];
    if (continues) {
      ++runs.back().count;
    } else {
      runs.push_back({&entry, i, 1});
    }
  }
  return runs;
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_HELD_ENTRY_H_
