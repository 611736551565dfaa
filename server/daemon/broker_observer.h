#ifndef EVENTBUS_SERVER_DAEMON_BROKER_OBSERVER_H_
#define EVENTBUS_SERVER_DAEMON_BROKER_OBSERVER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/broker_events.h"
#include "server/observe/logging.h"
#include "server/observe/metrics.h"

namespace eventbus {

// Turns what happens in the broker into metrics and log lines. Owned by the daemon; called on the
// loop.
class BrokerObserver final : public BrokerEvents {
 public:
  // `on_store_state` hears whether the store can be reached.
  BrokerObserver(Metrics* metrics, Logger log,
                 absl::AnyInvocable<void(bool up, const absl::Status& why)> on_store_state);

  void OnPublished(uint64_t events, uint64_t bytes, absl::Duration latency) override;
  void OnPublishFailed(uint64_t events, const absl::Status& why) override;
  void OnDuplicates(uint64_t events) override;
  void OnDelayedMoved(uint64_t events) override;
  void OnExpired(uint64_t events) override;
  void OnDelivered(uint64_t events, uint64_t bytes) override;
  void OnAcked(uint64_t events) override;
  void OnReleased(uint64_t events) override;
  void OnFilteredOut(uint64_t events) override;
  void OnNacked(uint64_t events) override;
  void OnDeadlinePassed(uint64_t events) override;
  void OnRejected(uint64_t events) override;
  void OnDeadLetters(uint64_t events, uint64_t dropped_letters) override;
  void OnGivenUp(uint64_t events) override;
  void OnUnknownSettle(uint64_t deliveries) override;
  void OnDropped(absl::string_view stream, absl::string_view why,
                 const TrimResult& dropped) override;
  void OnSubscriberOpened(absl::string_view group, absl::string_view client_id,
                          absl::string_view peer) override;
  void OnSubscriberClosed(absl::string_view group, absl::string_view client_id,
                          absl::string_view peer) override;
  void OnGroupCreated(absl::string_view group) override;
  void OnGroupDeleted(absl::string_view group, absl::string_view why) override;
  void OnTypeCreated(absl::string_view type) override;
  void OnTypeDeleted(absl::string_view type) override;
  void OnInstanceDead(absl::string_view incarnation) override;
  void OnClaimed(absl::string_view group, absl::string_view from, uint64_t entries) override;
  void OnStalled(absl::string_view group, absl::string_view stream, uint64_t waiting,
                 absl::Duration since, absl::string_view why) override;
  void OnStallEnded(absl::string_view group, absl::string_view stream,
                    absl::Duration lasted) override;
  void OnStoreState(bool up, const absl::Status& why) override;
  void OnTrouble(absl::string_view what, const absl::Status& why) override;

 private:
  Metrics* const metrics_;
  const Logger log_;
  absl::AnyInvocable<void(bool, const absl::Status&)> on_store_state_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_DAEMON_BROKER_OBSERVER_H_
