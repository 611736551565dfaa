#include "server/broker/sessions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {

Session* Sessions::Begin(SubscriptionId member, SubscriberSink* sink) {
  std::string token;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&token, absl::Hex(random_(), absl::kZeroPad8));
  auto session = std::make_unique<Session>(
      token, member, context_->options->resume_window,
      context_->loop->CreateTimer([this, member] { expired_(*by_member_.at(member)); }));
  Session* const raw = session.get();
  by_member_.emplace(member, std::move(session));
  by_token_.emplace(std::move(token), raw);
  Attach(raw, member, sink);
  return raw;
}

Session* Sessions::FindByToken(absl::string_view token) {
  const auto found = by_token_.find(token);
  return found == by_token_.end() ? nullptr : found->second;
}

Session* Sessions::FindByCall(SubscriptionId call) {
  const auto found = by_call_.find(call);
  return found == by_call_.end() ? nullptr : found->second;
}

SubscriptionId Sessions::MemberOf(SubscriptionId call) {
  const Session* const session = FindByCall(call);
  return session == nullptr ? call : session->member();
}

void Sessions::Attach(Session* session, SubscriptionId call, SubscriberSink* sink) {
  by_call_.erase(session->call());
  by_call_.emplace(call, session);
  session->Attach(call, sink);
}

void Sessions::End(SubscriptionId member) {
  const auto found = by_member_.find(member);
  if (found == by_member_.end()) return;
  // Last: this may be called from within one of its functions, which end with it.
  const std::shared_ptr<Session> session = std::move(found->second);
  by_member_.erase(found);
  by_call_.erase(session->call());
  by_token_.erase(session->token());
  context_->loop->Defer([session] {});
}

std::vector<const Session*> Sessions::Detached() const {
  std::vector<const Session*> detached;
  for (const auto& [member, session] : by_member_) {
    if (!session->attached()) detached.push_back(session.get());
  }
  std::sort(detached.begin(), detached.end(),
            [](const Session* a, const Session* b) { return a->member() < b->member(); });
  return detached;
}

}  // namespace eventbus
