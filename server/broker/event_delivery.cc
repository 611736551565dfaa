#include "server/broker/event_delivery.h"

#include <limits>
#include <optional>

namespace eventbus {
namespace {

std::optional<DeliveryPhase> Next(DeliveryPhase phase, DeliveryInput input) {
  using enum DeliveryPhase;
  switch (input) {
    case DeliveryInput::kDeliver:
      if (phase == kReady) return kInFlight;
      break;
    case DeliveryInput::kAck:
      if (phase == kReady || phase == kInFlight || phase == kWaiting) return kSettled;
      break;
    case DeliveryInput::kFail:
      if (phase == kInFlight) return kWaiting;
      break;
    case DeliveryInput::kReject:
      if (phase == kInFlight) return kDying;
      break;
    case DeliveryInput::kRelease:
    case DeliveryInput::kDisconnect:
    case DeliveryInput::kCrash:
      if (phase == kInFlight) return kReady;
      break;
    case DeliveryInput::kDue:
      if (phase == kWaiting) return kReady;
      break;
    case DeliveryInput::kGiveUp:
      if (phase == kReady || phase == kWaiting) return kDying;
      break;
    case DeliveryInput::kBuried:
      if (phase == kDying) return kSettled;
      break;
  }
  return std::nullopt;
}

template <typename T>
void CountUp(T* count) {
  if (*count != std::numeric_limits<T>::max()) ++*count;
}

}  // namespace

bool Advance(DeliveryInput input, EventDelivery* delivery) {
  const std::optional<DeliveryPhase> next = Next(delivery->phase, input);
  if (!next.has_value()) return false;
  delivery->phase = *next;
  if (input == DeliveryInput::kDeliver) CountUp(&delivery->times_delivered);
  if (input == DeliveryInput::kFail) CountUp(&delivery->failed_attempts);
  if (input == DeliveryInput::kCrash) CountUp(&delivery->crashes);
  return true;
}

}  // namespace eventbus
