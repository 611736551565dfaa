#ifndef EVENTBUS_SERVER_BROKER_SESSION_H_
#define EVENTBUS_SERVER_BROKER_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/broker/subscription.h"
#include "server/loop/loop.h"

namespace eventbus {

// Session stands between a member of a group and the call that it has, so that the member, and
// what it has in flight, outlives a call that breaks: it is the member's sink, and passes on what
// it hears while there is a call.
//
// Owned by Sessions. Loop thread only.
class Session final : public SubscriberSink {
 public:
  Session(std::string token, SubscriptionId member, absl::Duration window,
          std::unique_ptr<Timer> timer)
      : token_(std::move(token)), member_(member), window_(window), timer_(std::move(timer)) {}

  // What a client shows to go on.
  const std::string& token() const { return token_; }
  // By which the group knows it: the subscription that began the session.
  SubscriptionId member() const { return member_; }
  // The subscription whose call it has now, or had last.
  SubscriptionId call() const { return call_; }
  bool attached() const { return sink_ != nullptr; }

  void Attach(SubscriptionId call, SubscriberSink* sink);
  // The call is gone; the session ends when the window has passed. `abruptly`: groups may count
  // that.
  void Detach(bool abruptly);
  bool abruptly() const { return abruptly_; }
  // Ends the call, if it has one, in favour of another one.
  void Evict();
  // Tells the new call what it goes on with, and what was lost meanwhile.
  void TellResumed();

  void OnOpened(const OpenedInfo& opened) override;
  void OnDeliveries(std::vector<DeliveryRun> runs) override;
  void OnSettled(const SettledInfo& settled) override;
  void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
              absl::string_view message) override;
  void OnDrain(absl::Time deadline, absl::string_view message) override;
  void OnClosed(const absl::Status& why) override;

 private:
  struct Lost {
    std::vector<DeliveryRange> deliveries;
    LostReason reason = LostReason::kDeadline;
    std::string message;
  };

  const std::string token_;
  const SubscriptionId member_;
  const absl::Duration window_;
  const std::unique_ptr<Timer> timer_;
  SubscriptionId call_ = 0;
  SubscriberSink* sink_ = nullptr;
  bool abruptly_ = false;
  // Bounded by what the member had in flight when the call broke.
  std::vector<Lost> lost_;
  // Once the group is open.
  std::optional<OpenedInfo> opened_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SESSION_H_
