#ifndef EVENTBUS_CLIENT_CPP_SRC_SUBSCRIPTION_CORE_H_
#define EVENTBUS_CLIENT_CPP_SRC_SUBSCRIPTION_CORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/cpp/src/backoff.h"
#include "client/cpp/src/call_count.h"
#include "client/cpp/src/connection.h"
#include "client/cpp/src/subscribe_call.h"
#include "client/cpp/src/subscription_spec.h"
#include "eventbus/subscription.h"

namespace eventbus::client {

// How long a server gets to confirm the last settlements when nobody waits for it.
inline constexpr absl::Duration kFinishTimeout = absl::Seconds(5);

// What a Subscription does. One call is current and brings deliveries; after a drain the earlier
// ones live on until what they brought is settled. Deliveries wait in `work_` for the handler
// threads. Any thread; handlers, and everything that calls into gRPC, run without the mutex.
class Subscription::Core : public std::enable_shared_from_this<Subscription::Core> {
 public:
  Core(std::shared_ptr<Connection> connection, SubscriptionSpec spec, Handler handler);
  ~Core();

  // Once. Returns when the subscription stands, or why it does not.
  absl::Status Open();
  absl::Status Stop(absl::Duration timeout);
  void RequestStop();
  absl::Status Wait();
  bool WaitFor(absl::Duration timeout);
  SubscriptionInfo info() const;
  // After Stop; waits for handlers that still run, and for the calls to be gone.
  void JoinHandlers();

 private:
  struct Work {
    std::shared_ptr<SubscribeCall> call;
    std::shared_ptr<const ReceivedMessage> message;
    // The next delivery of the message.
    int batch = 0;
    int index = 0;
  };

  void Connect() ABSL_LOCKS_EXCLUDED(mutex_);
  void ConnectAfter(absl::Duration delay);
  v1::SubscribeOpen MakeOpen() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Gives the call and its connection up once nothing has come for `patience`, from now on at
  // first. A call that is not open is watched only `until_opened`.
  void Watch(uint64_t number, absl::Duration patience, bool until_opened);
  void LookAfter(absl::Duration delay, uint64_t number, absl::Duration patience, bool until_opened);
  void LookAtSilence(uint64_t number, absl::Duration patience, bool until_opened);

  void OnOpened(uint64_t number, const v1::SubscribeOpened& opened);
  bool OnDeliveries(uint64_t number, std::shared_ptr<const ReceivedMessage> message);
  void OnDrain(uint64_t number, const v1::Drain& drain);
  void OnFinished(uint64_t number, const absl::Status& status);
  // So that a server that never confirms does not keep the call.
  void CancelAfter(absl::Duration delay, const std::weak_ptr<SubscribeCall>& call);

  void RunHandlers();
  // The next event; nothing if the next message has none left.
  std::optional<Work> TakeWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes what came over `call` out of `work_`, for the caller to destroy without the mutex.
  void DropWork(const std::shared_ptr<SubscribeCall>& call, std::vector<Work>& dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandleOne(const Work& work, bool last);
  void SettleByVerdict(const std::shared_ptr<SubscribeCall>& call, uint64_t number,
                       const Settle& verdict, bool now);
  // Ends all calls in order, once the handlers are quiet.
  void FinishCalls() ABSL_LOCKS_EXCLUDED(mutex_);

  bool HasWorkOrEnds() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !work_.empty() || stopping_ || end_.has_value();
  }
  bool OpenedOrEnded() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return opened_ || stopping_ || end_.has_value();
  }
  bool Ended() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return (stopping_ || end_.has_value()) && calls_.empty() && running_ == 0;
  }

  const std::shared_ptr<Connection> connection_;
  const SubscriptionSpec spec_;
  const Handler handler_;

  mutable absl::Mutex mutex_;
  std::deque<Work> work_ ABSL_GUARDED_BY(mutex_);
  // Of a tail: what waits in work_, and whether reading stopped because of it.
  uint64_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool reading_paused_ ABSL_GUARDED_BY(mutex_) = false;

  // All that have not finished, by number; `current_` is the one that brings deliveries, 0 if none.
  std::map<uint64_t, std::shared_ptr<SubscribeCall>> calls_ ABSL_GUARDED_BY(mutex_);
  uint64_t current_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t calls_made_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time opened_at_ ABSL_GUARDED_BY(mutex_);
  // The last one that was opened.
  uint64_t opened_call_ ABSL_GUARDED_BY(mutex_) = 0;

  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Why the broker refuses it for good.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  // Handlers that run now.
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  SubscriptionInfo info_ ABSL_GUARDED_BY(mutex_);
  Backoff backoff_ ABSL_GUARDED_BY(mutex_);
  // The server ended a call because of a nack: failed deliveries are released after a delay
  // instead.
  bool nacks_refused_ ABSL_GUARDED_BY(mutex_) = false;

  // Of a tail: the last event that the handler saw in each stream.
  std::map<std::string, std::string> seen_ ABSL_GUARDED_BY(mutex_);
  absl::Time first_opened_at_ ABSL_GUARDED_BY(mutex_);

  const std::shared_ptr<CallCount> call_count_ = std::make_shared<CallCount>();
  std::vector<std::thread> threads_;  // Touched by Open and JoinHandlers only.
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_SUBSCRIPTION_CORE_H_
