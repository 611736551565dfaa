#ifndef EVENTBUS_SERVER_BROKER_SETTLE_ACTION_H_
#define EVENTBUS_SERVER_BROKER_SETTLE_ACTION_H_

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace eventbus {

// What is to become of a delivery.
struct SettleAction {
  enum class Kind { kAck, kNack, kReject, kRelease, kExtend };
  Kind kind = Kind::kAck;
  // Delay of a nack, new deadline of an extension, from now on. Nullopt: as the group's policy
  // says.
  std::optional<absl::Duration> duration;
  // Of a nack or a reject.
  std::string reason;

  friend bool operator==(const SettleAction&, const SettleAction&) = default;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SETTLE_ACTION_H_
