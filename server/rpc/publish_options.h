#ifndef EVENTBUS_SERVER_RPC_PUBLISH_OPTIONS_H_
#define EVENTBUS_SERVER_RPC_PUBLISH_OPTIONS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/publish_command.h"

namespace eventbus {

// An event is delayed by at most a year; this much is what a year may have.
inline constexpr absl::Duration kMaxDeliveryDelay = absl::Hours(24 * 366);

// eventbus.v1.PublishOptions, checked.
struct PublishChoices {
  // Absent: deliver at once.
  std::optional<DeliveryDelay> delay;
  // When events without an expiry of their own expire, in Unix ms; 0: never.
  int64_t expires_ms = 0;
};

// INVALID_ARGUMENT naming the field. A time that is not after `now` is no delay. The lifetime of a
// delayed event begins when it is due. Pure; any thread.
absl::Status ReadPublishOptions(absl::string_view bytes, absl::Time now, PublishChoices* choices);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_PUBLISH_OPTIONS_H_
