#include "server/daemon/broker_observer.h"

#include <utility>

#include "server/broker/reason.h"

namespace eventbus {
namespace {

PublishError PublishErrorOf(const absl::Status& why) {
  switch (ReasonOf(why)) {
    case Reason::kInvalidField:
    case Reason::kMalformed:
    case Reason::kTooLarge:
      return PublishError::kInvalid;
    case Reason::kPublishQueueFull:
      return PublishError::kQueueFull;
    case Reason::kStoreFull:
    case Reason::kStreamFull:
      return PublishError::kStoreFull;
    case Reason::kTooManyTypes:
      return PublishError::kLimit;
    case Reason::kDraining:
      return PublishError::kDraining;
    case Reason::kNotStored:
    case Reason::kStoreUnavailable:
      return PublishError::kNotStored;
    case Reason::kOutcomeUnknown:
      return PublishError::kOutcomeUnknown;
    default:
      return PublishError::kInternal;
  }
}

DropReason DropReasonOf(absl::string_view why) {
  if (why == "ttl") return DropReason::kTtl;
  if (why == "max_bytes") return DropReason::kMaxBytes;
  if (why == "max_events") return DropReason::kMaxEvents;
  if (why == "settled") return DropReason::kSettled;
  if (why == "purged") return DropReason::kPurged;
  return DropReason::kMemory;
}

}  // namespace

BrokerObserver::BrokerObserver(
    Metrics* metrics, Logger log,
    absl::AnyInvocable<void(bool up, const absl::Status& why)> on_store_state)
    : metrics_(metrics), log_(std::move(log)), on_store_state_(std::move(on_store_state)) {}

// The latency that publishers see is measured where their calls are answered, in rpc/.
void BrokerObserver::OnPublished(uint64_t events, uint64_t bytes, absl::Duration /*latency*/) {
  metrics_->published_events.Increment(events);
  metrics_->published_bytes.Increment(bytes);
}

void BrokerObserver::OnPublishFailed(uint64_t events, const absl::Status& why) {
  metrics_->publish_errors[PublishErrorOf(why)].Increment(events);
}

void BrokerObserver::OnDuplicates(uint64_t events) {
  metrics_->publish_duplicates.Increment(events);
}

void BrokerObserver::OnDelayedMoved(uint64_t events) {
  metrics_->delayed_moved_events.Increment(events);
}

void BrokerObserver::OnExpired(uint64_t events) { metrics_->expired_events.Increment(events); }

void BrokerObserver::OnDelivered(uint64_t events, uint64_t bytes) {
  metrics_->delivered_events.Increment(events);
  metrics_->delivered_bytes.Increment(bytes);
}

void BrokerObserver::OnAcked(uint64_t events) { metrics_->acked_events.Increment(events); }

void BrokerObserver::OnReleased(uint64_t events) { metrics_->released_events.Increment(events); }

void BrokerObserver::OnFilteredOut(uint64_t events) { metrics_->filtered_events.Increment(events); }

void BrokerObserver::OnNacked(uint64_t events) { metrics_->nacked_events.Increment(events); }

void BrokerObserver::OnDeadlinePassed(uint64_t events) {
  metrics_->deadline_passed_events.Increment(events);
}

void BrokerObserver::OnRejected(uint64_t events) { metrics_->rejected_events.Increment(events); }

void BrokerObserver::OnDeadLetters(uint64_t events, uint64_t dropped_letters) {
  metrics_->dead_letters.Increment(events);
  if (dropped_letters == 0) return;
  metrics_->dropped_dead_letters.Increment(dropped_letters);
  log_.Warning("dead letters dropped by their own retention (dead_letters.ttl, .max_letters)",
               {{"letters", dropped_letters}});
}

void BrokerObserver::OnGivenUp(uint64_t events) { metrics_->given_up_events.Increment(events); }

void BrokerObserver::OnUnknownSettle(uint64_t deliveries) {
  metrics_->unknown_settles.Increment(deliveries);
}

void BrokerObserver::OnDropped(absl::string_view stream, absl::string_view why,
                               const TrimResult& dropped) {
  metrics_->dropped_events[DropReasonOf(why)].Increment(dropped.events);
  for (const GroupLoss& loss : dropped.losses) {
    metrics_->lost_unsettled_events.Increment(loss.events);
    log_.Warning(
        "events dropped before a group had settled them",
        {{"stream", stream}, {"group", loss.group.name}, {"events", loss.events}, {"why", why}});
  }
}

void BrokerObserver::OnSubscriberOpened(absl::string_view group, absl::string_view client_id,
                                        absl::string_view peer) {
  log_.Debug("subscriber opened", {{"group", group}, {"client_id", client_id}, {"peer", peer}});
}

void BrokerObserver::OnSubscriberClosed(absl::string_view group, absl::string_view client_id,
                                        absl::string_view peer) {
  log_.Debug("subscriber closed", {{"group", group}, {"client_id", client_id}, {"peer", peer}});
}

void BrokerObserver::OnGroupCreated(absl::string_view group) {
  log_.Info("group created", {{"group", group}});
}

void BrokerObserver::OnGroupDeleted(absl::string_view group, absl::string_view why) {
  log_.Info("group deleted", {{"group", group}, {"why", why}});
}

void BrokerObserver::OnTypeDeleted(absl::string_view type) {
  log_.Info("type deleted", {{"type", type}});
}

void BrokerObserver::OnTypeCreated(absl::string_view type) {
  log_.Info("type created", {{"type", type}});
}

void BrokerObserver::OnInstanceDead(absl::string_view incarnation) {
  log_.Warning("instance counts as dead", {{"instance", incarnation}});
}

void BrokerObserver::OnClaimed(absl::string_view group, absl::string_view from, uint64_t entries) {
  log_.Info("entries claimed", {{"group", group}, {"from", from}, {"entries", entries}});
}

void BrokerObserver::OnStalled(absl::string_view group, absl::string_view stream, uint64_t waiting,
                               absl::Duration since, absl::string_view why) {
  log_.Warning(
      "group delivers nothing, though events wait and subscribers have room",
      {{"group", group}, {"stream", stream}, {"waiting", waiting}, {"for", since}, {"why", why}});
}

void BrokerObserver::OnStallEnded(absl::string_view group, absl::string_view stream,
                                  absl::Duration lasted) {
  log_.Info("group goes on", {{"group", group}, {"stream", stream}, {"after", lasted}});
}

void BrokerObserver::OnStoreState(bool up, const absl::Status& why) {
  metrics_->store_up.Set(up ? 1 : 0);
  if (up) {
    log_.Info("store is reachable");
  } else {
    log_.Error("store cannot be reached", {{"why", why}});
  }
  on_store_state_(up, why);
}

void BrokerObserver::OnTrouble(absl::string_view what, const absl::Status& why) {
  log_.Error("trouble in the broker", {{"what", what}, {"why", why}});
}

}  // namespace eventbus
