#include "server/broker/event_delivery.h"

#include <limits>

namespace eventbus {

bool Advance(DeliveryInput input, EventDelivery* delivery) {
  switch (input) {
    case DeliveryInput::kDeliver:
      if (delivery->phase != DeliveryPhase::kReady) return false;
      delivery->phase = DeliveryPhase::kInFlight;
      if (delivery->times_delivered != std::numeric_limits<uint32_t>::max()) {
        ++delivery->times_delivered;
      }
      return true;
    case DeliveryInput::kAck:
      if (delivery->phase == DeliveryPhase::kSettled) return false;
      delivery->phase = DeliveryPhase::kSettled;
      return true;
    case DeliveryInput::kRelease:
    case DeliveryInput::kDisconnect:
      if (delivery->phase != DeliveryPhase::kInFlight) return false;
      delivery->phase = DeliveryPhase::kReady;
      return true;
  }
  return false;
}

}  // namespace eventbus
