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
  // Failed; waits until its retry is due.
  kWaiting,
  // Will not be delivered any more; its dead letter is on the way to the store.
  kDying,
  // Done with, in this group.
  kSettled,
};

// What can happen to it.
enum class DeliveryInput : uint8_t {
  // It is handed to a subscriber.
  kDeliver,
  // Whoever handled it says it is done.
  kAck,
  // Its attempt has failed: nacked, or not settled in time. Costs an attempt.
  kFail,
  // The subscriber says that it cannot succeed.
  kReject,
  // The subscriber gives it back unhandled.
  kRelease,
  // The subscriber's stream was closed, or broke where that does not count.
  kDisconnect,
  // The subscriber's stream broke abruptly, in a group that counts that.
  kCrash,
  // The time of its retry has come.
  kDue,
  // It has failed or crashed as often as the group allows.
  kGiveUp,
  // The store has its dead letter, or none is kept.
  kBuried,
};

// The state of one event in one group. Eight bytes, for there are as many as events held.
struct EventDelivery {
  DeliveryPhase phase = DeliveryPhase::kReady;
  // Abruptly broken streams while it was in flight, where the group counts them.
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
// clang-format off
//             kDeliver   kAck      kFail     kReject  kRelease, kDisconnect, kCrash  kDue    kGiveUp  kBuried
//   kReady    kInFlight  kSettled  -         -        -                              -       kDying   -
//   kInFlight -          kSettled  kWaiting  kDying   kReady                         -       -        -
//   kWaiting  -          kSettled  -         -        -                              kReady  kDying   -
//   kDying    -          -         -         -        -                              -       -        kSettled
//   kSettled  -          -         -         -        -                              -       -        -
// clang-format on
//
// kDeliver counts a delivery, kFail an attempt, kCrash a crash. An ack of an event that is ready or
// waits is a late one: somebody has handled it after all.
bool Advance(DeliveryInput input, EventDelivery* delivery);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_DELIVERY_H_
