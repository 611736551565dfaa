#ifndef EVENTBUS_SERVER_BROKER_BROKER_EVENTS_H_
#define EVENTBUS_SERVER_BROKER_BROKER_EVENTS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/stream_store.h"

namespace eventbus {

// What happens in the broker that operators want counted or logged. The daemon turns it into
// metrics and log lines; tests listen to it. Called on the loop. Every method has an empty default.
class BrokerEvents {
 public:
  virtual ~BrokerEvents() = default;
  virtual void OnPublished(uint64_t events, uint64_t bytes, absl::Duration latency);
  virtual void OnPublishFailed(uint64_t events, const absl::Status& why);
  // Events that were there already, within their stream's duplicate window.
  virtual void OnDuplicates(uint64_t events);
  // Delayed events were due and are in their streams now.
  virtual void OnDelayedMoved(uint64_t events);
  // Events had expired before a group could deliver them; once per group.
  virtual void OnExpired(uint64_t events);
  virtual void OnDelivered(uint64_t events, uint64_t bytes);
  virtual void OnAcked(uint64_t events);
  virtual void OnReleased(uint64_t events);
  // Left out by the filter of a group, in which they count as settled, or of a tail.
  virtual void OnFilteredOut(uint64_t events);
  // Nacked by the subscriber, or not settled before the deadline.
  virtual void OnNacked(uint64_t events);
  virtual void OnDeadlinePassed(uint64_t events);
  virtual void OnRejected(uint64_t events);
  // Became dead letters; so many older letters had to make room for them.
  virtual void OnDeadLetters(uint64_t events, uint64_t dropped_letters);
  // Have failed too often in a group that keeps no dead letters, and are dropped.
  virtual void OnGivenUp(uint64_t events);
  // Settled twice, too late, or never delivered.
  virtual void OnUnknownSettle(uint64_t deliveries);
  // Retention (`why` is "ttl", "max_bytes", "max_events", "settled"), a full memory store
  // ("store_full") or an operator ("purged") dropped events.
  virtual void OnDropped(absl::string_view stream, absl::string_view why,
                         const TrimResult& dropped);
  virtual void OnSubscriberOpened(absl::string_view group, absl::string_view client_id,
                                  absl::string_view peer);
  virtual void OnSubscriberClosed(absl::string_view group, absl::string_view client_id,
                                  absl::string_view peer);
  virtual void OnGroupCreated(absl::string_view group);
  virtual void OnGroupDeleted(absl::string_view group, absl::string_view why);
  virtual void OnTypeCreated(absl::string_view type);
  virtual void OnTypeDeleted(absl::string_view type);
  virtual void OnInstanceDead(absl::string_view incarnation);
  virtual void OnClaimed(absl::string_view group, absl::string_view from, uint64_t entries);
  // On the stream, events of the group wait, there is room for them, and for so long nothing was
  // delivered; and: it goes on, or nothing waits any more.
  virtual void OnStalled(absl::string_view group, absl::string_view stream, uint64_t waiting,
                         absl::Duration since, absl::string_view why);
  virtual void OnStallEnded(absl::string_view group, absl::string_view stream,
                            absl::Duration lasted);
  virtual void OnStoreState(bool up, const absl::Status& why);
  // Something is wrong that the broker survives, such as a corrupt entry.
  virtual void OnTrouble(absl::string_view what, const absl::Status& why);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_BROKER_EVENTS_H_
