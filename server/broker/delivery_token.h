#ifndef EVENTBUS_SERVER_BROKER_DELIVERY_TOKEN_H_
#define EVENTBUS_SERVER_BROKER_DELIVERY_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/entry.h"
#include "server/store/stream_store.h"

namespace eventbus {

// What a subscriber without delivery numbers settles by. Says everything about the delivery, so
// that any instance can settle it. Value type; any thread.
struct DeliveryToken {
  GroupKey group;
  std::string stream;
  Position position;
  uint32_t attempt = 0;
  // Of the delivery within its attempt: a token of an earlier delivery is known by it.
  uint32_t times_delivered = 0;

  // URL-safe text without padding.
  std::string Encode() const;
  // INVALID_ARGUMENT (kBadPosition) if it is not a token.
  static absl::StatusOr<DeliveryToken> Decode(absl::string_view text);

  friend bool operator==(const DeliveryToken&, const DeliveryToken&) = default;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_DELIVERY_TOKEN_H_
