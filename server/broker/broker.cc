#include "server/broker/broker.h"

#include <utility>

#include "server/broker/core.h"
#include "server/broker/group_admin.h"

namespace eventbus {

Broker::Broker(Loop* loop, StreamStore* store, BrokerEvents* events, BrokerOptions options)
    : core_(std::make_unique<Core>(loop, store, events, std::move(options))) {}

Broker::~Broker() = default;

void Broker::Start(absl::AnyInvocable<void(absl::Status)> done) { core_->Start(std::move(done)); }

void Broker::Publish(PublishCommand command) { core_->Publish(std::move(command)); }

void Broker::ListDelayed(DelayedQuery query, DelayedList::PageCallback done) {
  core_->delayed().List(std::move(query), std::move(done));
}

void Broker::CancelDelayed(ScheduleId id, DelayedList::CancelCallback done) {
  core_->delayed().Cancel(std::move(id), std::move(done));
}

SubscriptionId Broker::Open(OpenRequest request, SubscriberSink* sink) {
  return core_->Open(std::move(request), sink);
}

void Broker::Settle(SubscriptionId id, SettleCommand command) {
  core_->Settle(id, std::move(command));
}

void Broker::SettleByTokens(TokenSettleCommand command) {
  core_->SettleByTokens(std::move(command));
}

void Broker::SetFlow(SubscriptionId id, FlowLimits flow) { core_->SetFlow(id, flow); }

void Broker::Taken(SubscriptionId id, uint64_t events, uint64_t bytes) {
  core_->Taken(id, events, bytes);
}

absl::Time Broker::StoreNow() const { return core_->StoreNow(); }

Pulls& Broker::pulls() { return core_->pulls(); }

GroupEditor& Broker::group_editor() { return core_->group_editor(); }

DeadLetters& Broker::dead_letters() { return core_->dead_letters(); }

void Broker::Close(SubscriptionId id, CallEnd end) { core_->Close(id, end); }

void Broker::Drain(absl::Time deadline, absl::AnyInvocable<void()> done) {
  core_->Drain(deadline, std::move(done));
}

absl::Status Broker::Ready() const { return core_->Ready(); }

BrokerCounts Broker::Counts() const { return core_->Counts(); }

const std::string& Broker::instance_id() const { return core_->instance_id(); }

GroupAdmin& Broker::groups() { return core_->groups(); }

StreamAdmin& Broker::streams() { return core_->streams(); }
RecentEvents& Broker::recent_events() { return core_->recent_events(); }
EventHistory& Broker::event_history() { return core_->event_history(); }

InstanceDirectory& Broker::instances() { return core_->instances(); }

void Broker::NoteActivity(SubscriptionId id) { core_->NoteActivity(id); }

}  // namespace eventbus
