#ifndef EVENTBUS_SERVER_BROKER_SUBSCRIPTION_H_
#define EVENTBUS_SERVER_BROKER_SUBSCRIPTION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/attribute_filter.h"
#include "server/broker/delivery_token.h"
#include "server/broker/group_definition.h"
#include "server/store/bytes.h"
#include "server/store/entry.h"

namespace eventbus {

// How much may be delivered and not settled (tails: not yet taken).
struct FlowLimits {
  uint32_t max_in_flight = 1000;
  uint64_t max_in_flight_bytes = uint64_t{16} << 20;
};

// How events are put together into messages.
struct BatchShape {
  // 0: as they come.
  uint32_t size = 0;
  absl::Duration timeout;
};

// What a subscriber asks for, checked and with defaults filled in (except where noted).
struct OpenRequest {
  // Exactly one of the two kinds: a member of a group, or a tail.
  bool tail = false;

  // Group. Empty only for an ephemeral group: the broker makes a name.
  std::string group;
  bool ephemeral = false;
  GroupPolicyChange policy;
  // An existing group is changed to these patterns and this policy, if `revision` is higher than
  // the stored one.
  bool update_group = false;
  uint64_t revision = 0;

  // Valid patterns. Empty: the group must exist.
  std::vector<std::string> patterns;
  // Of a tail. (A group's is in its policy.)
  AttributeFilter filter;
  StartPosition start = StartLatest{};
  FlowLimits flow;
  BatchShape batch;
  // Leases outlive a broken call (of a group, not of Receive or Pull).
  bool session = false;
  // Of a session to go on with. Empty, or not known here: a new one.
  std::string resume_token;
  // What the client got of that session; later numbers are given anew. Nullopt: all of it.
  std::optional<uint64_t> last_delivery;
  // Deliveries are settled by tokens (Receive) and not by numbers.
  bool tokens = false;
  // Gets one hand-over and then no more (Pull); closed with OK once nothing of it is in flight.
  bool one_shot = false;

  std::string client_id;
  std::string peer;
  std::map<std::string, std::string> client_properties;
};

// The subscription as it stands.
struct OpenedInfo {
  std::string subscription_id;
  std::string instance_id;
  std::string group;
  bool group_created = false;
  // Other instances own all streams of the ordered group for now.
  bool standing_by = false;
  // Empty: no session.
  std::string session_token;
  bool resumed = false;
  absl::Duration resume_window;
  GroupDefinition definition;
  FlowLimits flow;
  BatchShape batch;
};

// Consecutive events of one entry, delivered at once and alike.
struct DeliveryRun {
  // Their frames, as `repeated Event events = 1` has them.
  Bytes events;
  uint32_t count = 0;
  // 0 for tails.
  uint64_t first_delivery = 0;
  // Owned by the broker for as long as it lives; a shared copy.
  std::shared_ptr<const std::string> stream;
  Position position;
  uint32_t attempt = 0;
  uint32_t times_delivered = 0;
  std::string last_reason;
  bool redriven = false;
  // For tokens: the group's generation, and where the events are held if that is another place
  // than where they were published (redriven ones are in a stream of their own).
  uint64_t generation = 0;
  std::shared_ptr<const std::string> held_in;
  Position held_at;
};

// Both ends included.
struct DeliveryRange {
  uint64_t first = 0;
  uint64_t last = 0;
  friend bool operator==(const DeliveryRange&, const DeliveryRange&) = default;
};

// Failed: to be tried again later.
struct NackCommand {
  std::vector<DeliveryRange> deliveries;
  // Before the retry. Nullopt: as the group's policy says.
  std::optional<absl::Duration> delay;
  std::string reason;
};

// Cannot succeed: a dead letter at once.
struct RejectCommand {
  std::vector<DeliveryRange> deliveries;
  std::string reason;
};

struct ExtendCommand {
  std::vector<DeliveryRange> deliveries;
  // From now on. Nullopt: the group's ack_deadline.
  std::optional<absl::Duration> deadline;
};

// Ends deliveries, by their numbers, in the order of the fields. Ranges may overlap, be unordered,
// or name what does not exist.
struct SettleCommand {
  std::vector<DeliveryRange> acks;
  std::vector<NackCommand> nacks;
  std::vector<RejectCommand> rejects;
  std::vector<DeliveryRange> releases;
  std::vector<ExtendCommand> extensions;
  // Other than 0: asks for SubscriberSink::OnSettled with this number, once the store has it.
  uint64_t confirm = 0;
};

// What became of the numbers of a settle command. Each of them is in one list.
struct SettledInfo {
  uint64_t confirm = 0;
  std::vector<DeliveryRange> done;
  std::vector<DeliveryRange> unknown;
  std::vector<DeliveryRange> too_late;
  std::vector<DeliveryRange> failed;
};

enum class LostReason { kDeadline = 1, kGroupChanged = 2, kTakenOver = 3, kRetention = 4 };

// The way back from the broker to one subscriber's call. Implemented by rpc; called on the loop.
// The broker calls OnOpened at most once and first, then the others, and OnClosed at most once and
// last.
class SubscriberSink {
 public:
  virtual ~SubscriberSink() = default;
  virtual void OnOpened(const OpenedInfo& opened) = 0;
  // Runs that may share messages; with a batch size, `runs` has at most that many events and is one
  // message (unless it exceeds the bound on bytes).
  virtual void OnDeliveries(std::vector<DeliveryRun> runs) = 0;
  virtual void OnSettled(const SettledInfo& settled) = 0;
  // What was handed over and not settled has been taken away: told by numbers, or to who settles by
  // tokens, by those.
  virtual void OnLost(const std::vector<DeliveryRange>& deliveries, LostReason reason,
                      absl::string_view message) = 0;
  virtual void OnTokensLost(const std::vector<DeliveryToken>& /*tokens*/, LostReason /*reason*/,
                            absl::string_view /*message*/) {}
  // For who is one_shot and has got nothing yet: there is nothing at the moment. May be said again.
  virtual void OnNothingReady() {}
  // No new deliveries come; the call ends at the deadline.
  virtual void OnDrain(absl::Time deadline, absl::string_view message) = 0;
  // The subscription has ended from the broker's side.
  virtual void OnClosed(const absl::Status& why) = 0;
};

using SubscriptionId = uint64_t;

// How a subscriber's call has ended.
enum class CallEnd {
  // The client ended it, or erred.
  kInPeace,
  // It broke while the client wanted it.
  kBroken,
  // Nothing came from the client for too long; perhaps it is there, and the way to it is not.
  kSilent,
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SUBSCRIPTION_H_
