#ifndef EVENTBUS_SUBSCRIPTION_H_
#define EVENTBUS_SUBSCRIPTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "eventbus/delivery.h"

namespace eventbus::client {

// StartAt says where a new group or a tail begins. An existing group goes on where it is.
//
// Example:
//   options.start = StartAt::Time(absl::Now() - absl::Hours(1));
class StartAt {
 public:
  struct AfterPositions {
    // Stream → position of the last event already seen. At most 1,000.
    std::map<std::string, std::string> positions;
    // Streams not named above begin with the first event stored at or after this time.
    absl::Time others_from = absl::InfinitePast();
  };
  struct FromLatest {};
  struct FromEarliest {};
  using Value = std::variant<FromLatest, FromEarliest, absl::Time, AfterPositions>;

  // With what is published from now on.
  static StartAt Latest() { return StartAt(FromLatest{}); }
  // With the oldest event that is kept.
  static StartAt Earliest() { return StartAt(FromEarliest{}); }
  // With the first event stored at or after `time`.
  static StartAt Time(absl::Time time) { return StartAt(time); }
  static StartAt After(AfterPositions after) { return StartAt(std::move(after)); }

  const Value& value() const { return value_; }

 private:
  explicit StartAt(Value value) : value_(std::move(value)) {}
  Value value_;
};

// How a group delivers. What is unset is the server's default in a new group, and whatever is
// stored in an existing one; what is set and differs from what is stored is FAILED_PRECONDITION,
// unless `update` is set with a higher `revision`.
struct GroupPolicy {
  std::optional<bool> ordered;
  std::optional<uint32_t> max_retries;
  std::optional<absl::Duration> retry_delay;
  std::optional<absl::Duration> max_retry_delay;
  std::optional<absl::Duration> ack_deadline;
  std::optional<bool> dead_letter;
  std::optional<absl::Duration> inactive_expiry;
  bool update = false;
  uint64_t revision = 0;
};

// How a subscription stands, told each time it is opened.
struct SubscriptionInfo {
  std::string subscription_id;
  std::string instance_id;
  // Empty for a tail.
  std::string group;
  bool group_created = false;
};

struct SubscribeOptions {
  // Name of the group. Default: `<service>/<patterns>`; without a service, an ephemeral group.
  std::string group;
  // Delete the group once nobody has been connected for its `inactive_expiry`.
  bool ephemeral = false;
  StartAt start = StartAt::Latest();
  GroupPolicy policy;

  // So many handlers run at once.
  int handler_threads = 1;
  // Most events, and bytes of them, in flight to this subscription: handled, or waiting for a
  // handler here. 0: the server's default (1,000 and 16 MiB).
  uint32_t max_in_flight = 0;
  uint64_t max_in_flight_bytes = 0;
  // Server-side batching: wait for so many events, or so long. 0: as they come.
  uint32_t batch_size = 0;
  absl::Duration batch_timeout = absl::ZeroDuration();

  // How long Subscribe tries to open before it returns the last error.
  absl::Duration open_timeout = absl::Seconds(10);

  // Called when the subscription stands, and again after each reconnection. On a thread of the
  // library: do not block.
  std::function<void(const SubscriptionInfo& info)> on_open;
  // Called when the connection broke and is being made again. On a thread of the library.
  std::function<void(const absl::Status& why)> on_interruption;
};

struct TailOptions {
  StartAt start = StartAt::Latest();
  // Most events, and bytes of them, that wait here for the handler before reading stops.
  uint32_t max_waiting = 1'000;
  uint64_t max_waiting_bytes = 16 << 20;
  absl::Duration open_timeout = absl::Seconds(10);
  // As in SubscribeOptions.
  std::function<void(const SubscriptionInfo& info)> on_open;
  std::function<void(const absl::Status& why)> on_interruption;
};

// Subscription is a running subscription or tail. Made by Client::Subscribe and Client::Tail; owned
// by whoever called those. It reconnects by itself with a growing, jittered delay, and goes
// elsewhere when its instance drains, settling with the old one what came from there. All methods
// may be called from any thread.
//
// Example:
//   auto subscription = client.Subscribe({"order.*"}, [](const Delivery& delivery) {
//     return Store(GetData(delivery.event()));
//   });
//   if (!subscription.ok()) return subscription.status();
//   …
//   return (*subscription)->Stop(absl::Seconds(5));
class Subscription {
 public:
  // Not for users of the library.
  class Core;

  // Stop with 5 s; then waits for handlers that still run.
  ~Subscription();

  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Ends it: no handler starts any more, running ones finish and are settled, the rest is released,
  // and the broker has confirmed it. DEADLINE_EXCEEDED: that took longer; what was not settled is
  // delivered again. Not from inside a handler: use RequestStop there.
  absl::Status Stop(absl::Duration timeout);

  // Begins to stop, and returns at once. No further handler starts.
  void RequestStop();

  // Blocks until the subscription has ended. OK if it was stopped; otherwise why the broker refuses
  // it for good, such as UNIMPLEMENTED, or FAILED_PRECONDITION when its group was redefined.
  absl::Status Wait();

  // As Wait, but no longer than `timeout`: false if it has not ended by then.
  bool WaitFor(absl::Duration timeout);

  // How it stands, as last opened.
  SubscriptionInfo info() const;

 private:
  friend class Client;
  explicit Subscription(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_SUBSCRIPTION_H_
