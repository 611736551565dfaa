#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_DELAYED_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_DELAYED_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/append_once.h"
#include "server/store/delayed.h"

namespace eventbus {

// MemoryDelayed is the delayed events of one stream, by when they are due. Owned by MemoryStore;
// one thread.
class MemoryDelayed {
 public:
  // What counts for an event besides its frame.
  static constexpr uint64_t kEventOverhead = 256;

  // Answers with the event's id. `event.id` and `.stored` are not looked at.
  const DelayedEvent& Add(DelayedEvent event, absl::Time now);
  // Removes what is due, soonest first, as much as the request allows.
  std::vector<DelayedEvent> TakeDue(const MoveDueRequest& request, absl::Time now);
  std::vector<DelayedEvent> List(const ListDelayedRequest& request) const;
  absl::StatusOr<DelayedEvent> Cancel(const std::string& id);
  DelayedInfo Info() const;
  // What all of it counts towards the store's bound.
  uint64_t charge() const { return charge_; }

 private:
  using Place = std::pair<absl::Time, std::string>;
  static uint64_t ChargeOf(const DelayedEvent& event) {
    return event.frame.size() + kEventOverhead;
  }

  absl::btree_map<Place, DelayedEvent> events_;
  absl::flat_hash_map<std::string, absl::Time> due_;
  // Of the last id.
  uint64_t last_number_ = 0;
  uint64_t charge_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_DELAYED_H_
