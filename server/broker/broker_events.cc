#include "server/broker/broker_events.h"

namespace eventbus {

void BrokerEvents::OnPublished(uint64_t, uint64_t, absl::Duration) {}
void BrokerEvents::OnPublishFailed(uint64_t, const absl::Status&) {}
void BrokerEvents::OnDuplicates(uint64_t) {}
void BrokerEvents::OnDelayedMoved(uint64_t) {}
void BrokerEvents::OnExpired(uint64_t) {}
void BrokerEvents::OnDelivered(uint64_t, uint64_t) {}
void BrokerEvents::OnAcked(uint64_t) {}
void BrokerEvents::OnReleased(uint64_t) {}
void BrokerEvents::OnFilteredOut(uint64_t) {}
void BrokerEvents::OnNacked(uint64_t /*events*/) {}
void BrokerEvents::OnDeadlinePassed(uint64_t /*events*/) {}
void BrokerEvents::OnRejected(uint64_t /*events*/) {}
void BrokerEvents::OnDeadLetters(uint64_t /*events*/, uint64_t /*dropped_letters*/) {}
void BrokerEvents::OnGivenUp(uint64_t /*events*/) {}
void BrokerEvents::OnUnknownSettle(uint64_t) {}
void BrokerEvents::OnDropped(absl::string_view, absl::string_view, const TrimResult&) {}
void BrokerEvents::OnSubscriberOpened(absl::string_view, absl::string_view, absl::string_view) {}
void BrokerEvents::OnSubscriberClosed(absl::string_view, absl::string_view, absl::string_view) {}
void BrokerEvents::OnGroupCreated(absl::string_view) {}
void BrokerEvents::OnGroupDeleted(absl::string_view, absl::string_view) {}
void BrokerEvents::OnTypeDeleted(absl::string_view /*type*/) {}
void BrokerEvents::OnTypeCreated(absl::string_view) {}
void BrokerEvents::OnInstanceDead(absl::string_view) {}
void BrokerEvents::OnClaimed(absl::string_view, absl::string_view, uint64_t) {}
void BrokerEvents::OnStalled(absl::string_view /*group*/, absl::string_view /*stream*/,
                             uint64_t /*waiting*/, absl::Duration /*since*/,
                             absl::string_view /*why*/) {}
void BrokerEvents::OnStallEnded(absl::string_view /*group*/, absl::string_view /*stream*/,
                                absl::Duration /*lasted*/) {}
void BrokerEvents::OnStoreState(bool, const absl::Status&) {}
void BrokerEvents::OnTrouble(absl::string_view, const absl::Status&) {}

}  // namespace eventbus
