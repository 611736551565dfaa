#ifndef EVENTBUS_SERVER_BROKER_SESSIONS_H_
#define EVENTBUS_SERVER_BROKER_SESSIONS_H_

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/broker/context.h"
#include "server/broker/session.h"

namespace eventbus {

// Sessions knows which sessions there are on this instance. Owned by the broker; loop thread only.
class Sessions {
 public:
  // `expired` is called with a session whose window has passed without a call.
  Sessions(const Context* context, std::function<void(const Session&)> expired)
      : context_(context), expired_(std::move(expired)) {}

  // For a member that is about to be.
  Session* Begin(SubscriptionId member, SubscriberSink* sink);
  // Null: none, or none any more.
  Session* FindByToken(absl::string_view token);
  Session* FindByCall(SubscriptionId call);
  bool HasMember(SubscriptionId member) const { return by_member_.contains(member); }
  // Whose call it is: the session's member, or the subscription itself if it has no session.
  SubscriptionId MemberOf(SubscriptionId call);
  void Attach(Session* session, SubscriptionId call, SubscriberSink* sink);
  // Harmless if there is none.
  void End(SubscriptionId member);
  // Those that have no call.
  std::vector<const Session*> Detached() const;

 private:
  const Context* const context_;
  const std::function<void(const Session&)> expired_;
  // The system's: tokens must not be guessed, for whoever has one gets the events.
  std::random_device random_;
  absl::flat_hash_map<SubscriptionId, std::unique_ptr<Session>> by_member_;
  absl::flat_hash_map<SubscriptionId, Session*> by_call_;
  absl::flat_hash_map<std::string, Session*> by_token_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SESSIONS_H_
