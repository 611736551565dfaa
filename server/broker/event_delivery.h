#ifndef EVENTBUS_SERVER_BROKER_EVENT_DELIVERY_H_
#define EVENTBUS_SERVER_BROKER_EVENT_DELIVERY_H_

#include <cstdint>

namespace eventbus {

// Where one event of an entry stands in one group, on the instance that holds the entry.
enum class DeliveryPhase : uint8_t {
  // Waits for a subscriber with room.
  kReady,
  // A subscriber has it.
  kInFlight,
  // Done with, in this group.
  kSettled,
};

// What can happen to it.
enum class DeliveryInput : uint8_t {
  // It is handed to a subscriber.
  kDeliver,
  // Whoever handled it says it is done.
  kAck,
  // The subscriber gives it back unhandled.
  kRelease,
  // The subscriber's stream broke or was closed.
  kDisconnect,
};

// The state of one event in one group. Eight bytes, for there are as many as events held.
struct EventDelivery {
  DeliveryPhase phase = DeliveryPhase::kReady;
  // Abruptly broken streams while it was in flight.
  uint8_t crashes = 0;
  // Nacks and passed deadlines. Neither a release nor a broken stream counts.
  uint16_t failed_attempts = 0;
  // Deliveries so far.
  uint32_t times_delivered = 0;

  // What subscribers are told: 1 + failed_attempts.
  uint32_t attempt() const { return uint32_t{1} + failed_attempts; }

  friend bool operator==(const EventDelivery&, const EventDelivery&) = default;
};

// The state machine of a delivery. Changes `delivery` and answers true, or answers false and leaves
// it, when the input has no meaning in its phase:
//
//              kDeliver    kAck       kRelease   kDisconnect
//   kReady     kInFlight   kSettled   -          -
//   kInFlight  -           kSettled   kReady     kReady
//   kSettled   -           -          -          -
//
// An ack of a ready event is a late one: somebody has handled it after all.
bool Advance(DeliveryInput input, EventDelivery* delivery);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_DELIVERY_H_
