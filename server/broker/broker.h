#ifndef EVENTBUS_SERVER_BROKER_BROKER_H_
#define EVENTBUS_SERVER_BROKER_BROKER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/broker_events.h"
#include "server/broker/broker_options.h"
#include "server/broker/dead_letters.h"
#include "server/broker/delayed_list.h"
#include "server/broker/delivery_token.h"
#include "server/broker/group_editor.h"
#include "server/broker/publish_command.h"
#include "server/broker/pulls.h"
#include "server/broker/schedule_id.h"
#include "server/broker/settle_action.h"
#include "server/broker/subscription.h"
#include "server/loop/loop.h"
#include "server/store/stream_store.h"

namespace eventbus {

class EventHistory;
class GroupAdmin;
class InstanceDirectory;
class RecentEvents;
class StreamAdmin;

// What became of tokens: the number settled, and the ones that were not.
struct TokenSettlement {
  enum class Problem { kUnknown = 1, kTooLate = 2, kFailed = 3 };
  uint32_t done = 0;
  // Indexes into the tokens of all parts of the command, one after the other.
  std::vector<std::pair<uint32_t, Problem>> others;
};

// Carried out in order.
struct TokenSettleCommand {
  struct Part {
    SettleAction action;
    std::vector<DeliveryToken> tokens;
  };
  std::vector<Part> parts;
  absl::AnyInvocable<void(TokenSettlement)> done;
};

// Figures for gauges and for people, counted when asked.
struct BrokerCounts {
  uint64_t streams = 0;
  uint64_t groups = 0;
  uint64_t group_subscribers = 0;
  uint64_t tails = 0;
  uint64_t in_flight_events = 0;
  uint64_t in_flight_bytes = 0;
  // Waiting for their retries.
  uint64_t retrying_events = 0;
  // Of the groups served here, about, as of the last sweep.
  uint64_t unread_events = 0;
  // Groups served here that could deliver and do not.
  uint64_t stalled_groups = 0;
  uint64_t publish_queue_events = 0;
  uint64_t publish_queue_bytes = 0;
  // On all instances together, as seen lately.
  uint64_t delayed_events = 0;
};

// Broker is one instance's share of the bus: it routes what is published into streams, and delivers
// what groups and tails are to get to the subscribers connected here. It keeps nothing that
// matters: all of that is in the store, which other instances may share.
//
// Owned by the daemon (or a test). Everything is called on the loop; rpc posts there. The loop, the
// store and the events must outlive it. Destroying it without Drain is a crash as far as the others
// are concerned, and safe.
//
//   Broker broker(loop, store, events, options);
//   broker.Start([](absl::Status status) { … });
//   broker.Publish({framed, items, [](PublishOutcome outcome) { … }});
//   SubscriptionId id = broker.Open(request, sink);
//   broker.Settle(id, {.acks = {{1, 100}}});
//   broker.Close(id);
class Broker {
 public:
  Broker(Loop* loop, StreamStore* store, BrokerEvents* events, BrokerOptions options);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Learns what exists and takes its place among the instances. `done` once, when the store has
  // answered; tried again until it does. Publishes and opens before that wait.
  void Start(absl::AnyInvocable<void(absl::Status)> done);

  // Stores the events; `command.done` tells what became of each. Events of one stream are stored in
  // the order of the calls. Refused at once (kPublishQueueFull) when more waits for the store than
  // `publish_queue_bytes` or `_events`.
  void Publish(PublishCommand command);

  // What waits for its time.
  void ListDelayed(DelayedQuery query, DelayedList::PageCallback done);
  // Removes it. NOT_FOUND (kStreamNotFound): it does not wait (any more).
  void CancelDelayed(ScheduleId id, DelayedList::CancelCallback done);

  // Begins a subscription; the sink (not owned) hears the rest, in later tasks. It must live until
  // Close or OnClosed.
  SubscriptionId Open(OpenRequest request, SubscriberSink* sink);
  // Numbers and ids that mean nothing are counted and ignored.
  void Settle(SubscriptionId id, SettleCommand command);
  void SettleByTokens(TokenSettleCommand command);
  // New limits from now on.
  void SetFlow(SubscriptionId id, FlowLimits flow);
  // The transport has taken this much of what OnDeliveries handed over: makes room for more to a
  // tail. (Groups make room by settling.)
  void Taken(SubscriptionId id, uint64_t events, uint64_t bytes);
  // Ends a subscription without a word to its sink. What it held is redelivered at once, at no cost
  // in attempts. Unknown ids are ignored. Groups may count calls that broke
  // (GroupPolicy::max_crashes). A member with a session keeps what it holds for
  // BrokerOptions::resume_window, unless it ends in peace.
  void Close(SubscriptionId id, CallEnd end = CallEnd::kInPeace);

  // Stops: refuses publishes and opens (kDraining), tells subscribers, lets what is in flight
  // settle until `deadline`, gives the rest back and leaves. Then `done`, once. Never takes longer
  // than `deadline` plus one store time-out.
  void Drain(absl::Time deadline, absl::AnyInvocable<void()> done);

  // Leases for callers that hold no stream.
  Pulls& pulls();

  // Changes of groups that exist.
  GroupEditor& group_editor();
  // What people do with dead letters.
  DeadLetters& dead_letters();

  // The store's clock, as far as this instance knows it.
  absl::Time StoreNow() const;
  // Whether the store can be reached and Start is through; `why` otherwise.
  absl::Status Ready() const;
  BrokerCounts Counts() const;
  const std::string& instance_id() const;

  // ---- What operators ask, for all instances ----

  GroupAdmin& groups();
  InstanceDirectory& instances();
  StreamAdmin& streams();
  RecentEvents& recent_events();
  EventHistory& event_history();
  // Something came from the subscriber that is nobody else's affair, such as a ping.
  void NoteActivity(SubscriptionId id);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_BROKER_H_
