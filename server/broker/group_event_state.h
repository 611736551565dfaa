#ifndef EVENTBUS_SERVER_BROKER_GROUP_EVENT_STATE_H_
#define EVENTBUS_SERVER_BROKER_GROUP_EVENT_STATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "server/broker/dead_letter.h"
#include "server/broker/registry.h"
#include "server/broker/state_record.h"
#include "server/store/entry.h"

// What a group has done with one event, for operators. Pure; any thread.
namespace eventbus {

// Numbers as in eventbus.v1.EventState.
enum class EventProgress {
  kUnknown = 0,
  kWaiting = 1,
  kInFlight = 2,
  kRetrying = 3,
  kAcked = 4,
  kDeadLetter = 5,
  // Set by who knows the event.
  kFilteredOut = 6,
};

// Meaning and units as in eventbus.v1.GroupEventState.
struct GroupEventState {
  EventProgress progress = EventProgress::kUnknown;
  uint32_t attempt = 0;
  uint32_t times_delivered = 0;
  std::string subscription_id;
  std::string instance_id;
  // By the store's clock.
  std::optional<absl::Time> due;
  std::string last_reason;
};

// What is known of an entry in a stream and group of which the event is one.
struct EventTrail {
  // Somebody has read the entry for the group, or the group began behind it.
  bool read = false;
  // As the instance has it that answers; nullopt: it has not got it.
  std::optional<GroupEventState> here;
  struct Pending {
    std::string consumer;
    // How often the entry was handed to an instance.
    uint64_t times_delivered = 0;
    // Whether the consumer is an instance that is at work.
    bool alive = false;
  };
  // Nullopt: not pending (any more).
  std::optional<Pending> pending;
  // As it was written down; nullopt: nothing was.
  std::optional<StateRecord::EventState> record;
};

// Whether a group had begun, or was sought to a place, behind an event.
enum class BeganBehind {
  kNo,
  kYes,
  // The group is of the same millisecond as the event, and nothing tells which was first.
  kPerhaps,
};

struct EventFindings {
  BeganBehind began_behind = BeganBehind::kNo;
  EventTrail own;
  // The event is, or was, delivered once more after it was a dead letter.
  std::optional<EventTrail> redriven;
  std::optional<DeadLetterDetails> letter;
  // There are more dead letters than were looked at.
  bool letters_cut = false;
};

// `event`: of the stream of the type.
BeganBehind WhereItBegan(const KnownGroup& group, const TypeRecord& type, Position event);

// `now`: by the store's clock.
GroupEventState EventStateOf(const EventFindings& findings, absl::Time now);

// What subscribers are told of a delivery that was the latest one, as far as it can be told from
// how often the event failed and was delivered. 0: there was none.
uint32_t LatestAttempt(uint32_t failed_attempts, uint64_t times_delivered);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_EVENT_STATE_H_
