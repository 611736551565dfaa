#ifndef EVENTBUS_SERVER_RPC_WELL_KNOWN_TYPES_H_
#define EVENTBUS_SERVER_RPC_WELL_KNOWN_TYPES_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

// Between Protobuf's well-known types and Abseil's. Pure; any thread.
namespace eventbus {

// InvalidField for `field` unless it is a duration as Protobuf defines them, from `min` to `max`.
absl::Status ReadDuration(absl::string_view field, const google::protobuf::Duration& duration,
                          absl::Duration min, absl::Duration max, absl::Duration* result);

// InvalidField for `field` unless it is a timestamp as Protobuf defines them: years 1 to 9999.
absl::Status ReadTimestamp(absl::string_view field, const google::protobuf::Timestamp& timestamp,
                           absl::Time* result);

// Infinite ones become the largest that Protobuf has.
google::protobuf::Duration WriteDuration(absl::Duration duration);
google::protobuf::Timestamp WriteTimestamp(absl::Time time);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_WELL_KNOWN_TYPES_H_
