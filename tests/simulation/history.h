#ifndef EVENTBUS_TESTS_SIMULATION_HISTORY_H_
#define EVENTBUS_TESTS_SIMULATION_HISTORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "server/broker/attribute_filter.h"
#include "server/broker/dead_letter.h"
#include "server/broker/letter_query.h"
#include "server/broker/subscription.h"
#include "server/store/entry.h"

// What the clients of a simulated bus did and saw, in the order in which it happened. Plain values:
// the simulation writes them, the checker reads them, and tests of the checker make them up.
namespace eventbus::simulation {

using SubscriptionNumber = uint64_t;

// One event in a publish request. An event that is published again after NOT_STORED keeps its id
// and gets new data, so each attempt is known by its data.
struct SentEvent {
  std::string id;
  std::string type;
  // Unique in the history.
  std::string data;
};

struct PublishSent {
  uint64_t request = 0;
  std::string instance;
  std::vector<SentEvent> events;
  // All of them are to be stored, or none.
  bool atomic = false;
  // Not before this, since the world began.
  absl::Duration due;
};

enum class PublishFate { kStored, kNotStored, kUnknown };

struct EventAnswer {
  PublishFate fate = PublishFate::kUnknown;
  // If stored.
  std::string stream;
  Position position;
  // It has no position yet.
  bool delayed = false;
};

// One answer for each event of the request. No answer at all: the outcome is unknown.
struct PublishAnswered {
  uint64_t request = 0;
  std::vector<EventAnswer> answers;
};

struct OpenSent {
  SubscriptionNumber subscription = 0;
  std::string instance;
  bool tail = false;
  // Empty for a tail.
  std::string group;
  bool ephemeral = false;
  std::vector<std::string> patterns;
  bool from_earliest = false;
  uint32_t max_in_flight = 0;
  uint32_t batch_size = 0;
  // Of the group; the same for all its members.
  GroupPolicy policy = {};
  // Of a tail; a group's is in its policy.
  AttributeFilter filter = {};

  const AttributeFilter& wanted() const { return tail ? filter : policy.filter; }
};

struct Opened {
  SubscriptionNumber subscription = 0;
  bool group_created = false;
};

struct SeenEvent {
  std::string id;
  std::string type;
  std::string data;
};

struct SeenRun {
  // 0 for tails.
  uint64_t first_delivery = 0;
  std::string stream;
  Position position;
  uint32_t attempt = 0;
  uint32_t times_delivered = 0;
  std::vector<SeenEvent> events;
  std::string last_reason = {};
  bool redriven = false;
};

// One message.
struct Delivered {
  SubscriptionNumber subscription = 0;
  std::vector<SeenRun> runs;
};

struct SettleSent {
  SubscriptionNumber subscription = 0;
  SettleCommand command;
};

struct Settled {
  SubscriptionNumber subscription = 0;
  SettledInfo info;
};

struct FlowSent {
  SubscriptionNumber subscription = 0;
  uint32_t max_in_flight = 0;
};

struct LeasesLost {
  SubscriptionNumber subscription = 0;
  std::vector<DeliveryRange> deliveries;
  LostReason reason = LostReason::kDeadline;
};

// What an operator asks of a group that exists.
enum class GroupChangeKind { kPause, kResume, kRedrive, kSeek };

struct ChosenLetter {
  LetterId id;
  // Of its event.
  std::string data;
};

struct GroupChangeSent {
  uint64_t change = 0;
  std::string instance;
  std::string group;
  GroupChangeKind kind = GroupChangeKind::kPause;
  // Infinite: until it is resumed.
  absl::Duration pause = absl::InfiniteDuration();
  // To be redriven. Empty: all that there are.
  std::vector<ChosenLetter> letters = {};
  // Of a seek: to what was stored at this time of the store, or later. 0: to the beginning.
  // Nullopt: to the end.
  std::optional<uint64_t> from_ms = std::nullopt;
};

// No answer at all: nobody knows what became of it, or when.
struct GroupChangeAnswered {
  uint64_t change = 0;
  bool done = false;
};

struct DrainSeen {
  SubscriptionNumber subscription = 0;
};

// The client closed it, was told that it is over, or found the connection broken. Nothing is seen
// of it afterwards.
struct Ended {
  SubscriptionNumber subscription = 0;
  bool by_client = false;
  std::string why;
};

// Something that the simulation did to the bus; for people who read the log, but for what the
// checker has to make allowances for.
struct Fault {
  std::string instance;
  std::string what;
  // Out of touch with the store for so long that others may have taken it for dead.
  bool out_of_touch = false;
  // Its timers fire late, and what clients sent meanwhile is read after them.
  bool frozen = false;
  // A connection breaks, and the instance may notice before the client.
  bool cut = false;
  // Times that the store tells before and after have nothing to do with each other.
  bool store_clock = false;
  // How long the instance hears nothing of the others.
  absl::Duration lasts = absl::ZeroDuration();
};

// A dead letter, as an operator lists it when all is over.
struct LetterSeen {
  std::string group;
  std::string stream;
  SeenEvent event;
  DeadLetterDetails details;
};

using Observation = std::variant<PublishSent, PublishAnswered, OpenSent, Opened, Delivered,
                                 SettleSent, Settled, FlowSent, LeasesLost, GroupChangeSent,
                                 GroupChangeAnswered, DrainSeen, Ended, Fault, LetterSeen>;

struct Observed {
  // Since the world began.
  absl::Duration at;
  Observation what;
};

using History = std::vector<Observed>;

// One line of an event log.
std::string ToString(const Observed& observed);
// The same for equal histories; differs for all practical purposes if they do.
uint64_t HashOf(const History& history);

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_HISTORY_H_
