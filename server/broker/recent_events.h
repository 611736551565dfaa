#ifndef EVENTBUS_SERVER_BROKER_RECENT_EVENTS_H_
#define EVENTBUS_SERVER_BROKER_RECENT_EVENTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/attribute_filter.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/recorded_event.h"
#include "server/broker/registry.h"
#include "server/store/entry.h"

namespace eventbus {

// The place of an event among those of all streams, newest first: by its entry from the last to the
// first; of entries with the same id by stream, by name; in an entry from the last event to the
// first. Value type; any thread.
struct RecentPlace {
  std::string stream;
  Position position;

  // "1700000000000-3-0@order.placed".
  std::string ToString() const;
  // INVALID_ARGUMENT if it is not of that form.
  static absl::StatusOr<RecentPlace> Parse(absl::string_view text);
};

struct RecentQuery {
  // Valid patterns. Empty: all.
  std::vector<std::string> patterns;
  // Stored at or after this time, by the store's clock.
  absl::Time since = absl::InfinitePast();
  // Others are left out. Empty: all match.
  AttributeFilter filter;
  // Goes on behind this one, towards older events.
  std::optional<RecentPlace> after;
  uint32_t max_events = 100;
  // Of the events' frames; one event always goes.
  uint64_t max_bytes = uint64_t{3} << 20;
  // Whether nobody waits for the answer any more. May be null.
  std::function<bool()> cancelled;
};

struct RecentPage {
  // Newest first.
  std::vector<RecordedEvent> events;
  // There are more.
  bool more = false;
};

// RecentEvents reads the latest events of many streams together. It asks each stream how far it
// goes, and reads only in those that can have the next event; it keeps a bounded amount of what it
// has read. Leaves no trace in any group.
//
// Owned by the broker. Loop thread only.
class RecentEvents {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<RecentPage>)>;

  // Both must outlive it.
  RecentEvents(const Context* context, Registry* registry)
      : context_(context), registry_(registry) {}

  void List(RecentQuery query, Done done);

 private:
  class Listing;

  const Context* const context_;
  Registry* const registry_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RECENT_EVENTS_H_
