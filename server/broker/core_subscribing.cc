// The part of the broker for subscribers: from their opening to their end.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/core.h"
#include "server/broker/delivery_ranges.h"
#include "server/broker/reason.h"

namespace eventbus {

SubscriptionId Broker::Core::Open(OpenRequest request, SubscriberSink* sink) {
  const SubscriptionId id = ++last_subscription_;
  const size_t open = opening_.size() + tails_.size() + members_.size();
  opening_.emplace(id, PendingOpen{std::move(request), sink});
  absl::Status refusal;
  if (draining_) refusal = DrainingError("it takes no more subscribers");
  if (refusal.ok() && open >= options_.max_subscribers) {
    refusal = MakeError(
        absl::StatusCode::kResourceExhausted, Reason::kTooManySubscribers,
        "this instance serves as many subscribers as limits.max_subscribers "
        "allows; connect to another one",
        {{"limit", absl::StrCat(options_.max_subscribers)}, {"setting", "limits.max_subscribers"}});
  }
  if (!refusal.ok()) {
    context_.loop->Defer(lifetime_.Guard([this, id, refusal] { RefuseOpen(id, refusal); }));
  } else if (started_) {
    context_.loop->Defer(lifetime_.Guard([this, id] { BeginOpen(id); }));
  } else {
    early_opens_.push_back(id);
  }
  return id;
}

void Broker::Core::RefuseOpen(SubscriptionId id, const absl::Status& why) {
  const auto pending = opening_.find(id);
  if (pending == opening_.end()) return;
  SubscriberSink* const sink = pending->second.sink;
  opening_.erase(pending);
  sink->OnClosed(why);
}

void Broker::Core::BeginOpen(SubscriptionId id) {
  const auto pending = opening_.find(id);
  if (pending == opening_.end()) return;
  const OpenRequest& request = pending->second.request;
  Session* const session = sessions_.FindByToken(request.resume_token);
  if (session != nullptr) return GoOn(id, session);
  if (!request.tail) {
    return opener_.Open(request, lifetime_.Guard([this, id](absl::StatusOr<OpenedGroup> found) {
      OnGroupFound(id, std::move(found));
    }));
  }
  absl::StatusOr<PatternSet> patterns = PatternSet::Parse(request.patterns);
  if (!patterns.ok()) return RefuseOpen(id, patterns.status());
  PendingOpen open = std::move(pending->second);
  opening_.erase(pending);
  context_.events->OnSubscriberOpened("", open.request.client_id, open.request.peer);
  reporter_.NoteChange();
  auto tail = std::make_unique<Tail>(&context_, &reader_, id, std::move(open.request),
                                     *std::move(patterns), open.sink);
  Tail* const raw = tail.get();
  tails_.emplace(id, std::move(tail));
  interested_.clear();
  raw->Open(registry_);
}

void Broker::Core::OnGroupFound(SubscriptionId id, absl::StatusOr<OpenedGroup> found) {
  const auto pending = opening_.find(id);
  if (pending == opening_.end()) return;
  if (!found.ok()) return RefuseOpen(id, found.status());
  const std::string& name = found->group.record.name;
  std::unique_ptr<Group>& group = groups_[name];
  if (group == nullptr) {
    group = std::make_unique<Group>(&context_, &registry_, this, found->group);
    interested_.clear();
  }
  const PendingOpen open = std::move(pending->second);
  opening_.erase(pending);
  members_.emplace(id, group.get());
  context_.events->OnSubscriberOpened(name, open.request.client_id, open.request.peer);
  reporter_.NoteChange();
  SubscriberSink* const sink = open.request.session ? sessions_.Begin(id, open.sink) : open.sink;
  group->AddMember(id, open.request, sink, found->created);
}

void Broker::Core::GoOn(SubscriptionId id, Session* session) {
  const auto pending = opening_.find(id);
  const OpenRequest& request = pending->second.request;
  Group* const group = members_.at(session->member());
  const std::string& name = group->known().record.name;
  if (!request.group.empty() && request.group != name) {
    return RefuseOpen(id, MakeError(absl::StatusCode::kFailedPrecondition, Reason::kGroupMismatch,
                                    absl::StrCat("the session of open.session.resume_token is of "
                                                 "group \"",
                                                 name, "\", not \"", request.group, "\""),
                                    {{"group", name}}));
  }
  const absl::Status status = group->GoOn(session->member(), request);
  if (!status.ok()) return RefuseOpen(id, status);
  const PendingOpen open = std::move(pending->second);
  opening_.erase(pending);
  session->Evict();
  sessions_.Attach(session, id, open.sink);
  session->TellResumed();
}

Group* Broker::Core::FindGroupOf(SubscriptionId id) {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : found->second;
}

// By value, as it comes over from the calls' threads.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void Broker::Core::Settle(SubscriptionId id, SettleCommand command) {
  id = sessions_.MemberOf(id);
  NoteActivity(id);
  Group* const group = FindGroupOf(id);
  if (group != nullptr) return group->Settle(id, command);
  const auto tail = tails_.find(id);
  if (tail == tails_.end()) return;
  // A tail has no deliveries to settle.
  SettledInfo info;
  info.confirm = command.confirm;
  uint64_t unknown = 0;
  for (const DeliveryRange& range : AllRanges(command)) {
    unknown += CountOf(range);
    info.unknown.push_back(range);
  }
  if (unknown > 0) context_.events->OnUnknownSettle(unknown);
  if (command.confirm != 0) tail->second->sink()->OnSettled(info);
}

void Broker::Core::SetFlow(SubscriptionId id, FlowLimits flow) {
  id = sessions_.MemberOf(id);
  Group* const group = FindGroupOf(id);
  if (group != nullptr) return group->SetFlow(id, flow);
  const auto tail = tails_.find(id);
  if (tail != tails_.end()) tail->second->SetFlow(flow);
}

void Broker::Core::Taken(SubscriptionId id, uint64_t events, uint64_t bytes) {
  const auto tail = tails_.find(id);
  if (tail != tails_.end()) tail->second->Taken(events, bytes);
}

void Broker::Core::Close(SubscriptionId id, CallEnd end) {
  opening_.erase(id);
  reporter_.NoteChange();
  Session* const session = sessions_.FindByCall(id);
  if (session != nullptr && end != CallEnd::kInPeace && !draining_) {
    session->Detach(/*abruptly=*/end == CallEnd::kBroken);
    // A little longer than the session, which gives them back at no cost.
    return members_.at(session->member())
        ->HoldLeases(session->member(),
                     context_.loop->MonotonicNow() + options_.resume_window + absl::Seconds(1));
  }
  // The call that began a session which goes on with another one.
  if (session == nullptr && sessions_.HasMember(id)) return;
  const auto tail = tails_.find(id);
  if (tail != tails_.end()) {
    const OpenRequest& request = tail->second->request();
    context_.events->OnSubscriberClosed("", request.client_id, request.peer);
    tails_.erase(tail);
    interested_.clear();
    return CheckDrained();
  }
  EndMember(session != nullptr ? session->member() : id, /*abruptly=*/end == CallEnd::kBroken);
}

void Broker::Core::EndMember(SubscriptionId id, bool abruptly) {
  Group* const group = FindGroupOf(id);
  if (group == nullptr) return;
  members_.erase(id);
  group->RemoveMember(id, abruptly);
  sessions_.End(id);
}

void Broker::Core::OnMemberClosed(SubscriptionId id) {
  members_.erase(id);
  sessions_.End(id);
  reporter_.NoteChange();
}

}  // namespace eventbus
