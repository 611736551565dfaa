#ifndef EVENTBUS_ERRORS_H_
#define EVENTBUS_ERRORS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "eventbus/v1/errors.pb.h"

// What a status from the broker says beyond its code and message. Pure functions, for any thread.
//
// Example:
//   absl::Status status = publisher.Flush(absl::Seconds(5));
//   if (GetErrorReason(status) == eventbus::v1::ERROR_REASON_STORE_FULL) {
//     std::cerr << GetErrorMetadata(status, "setting") << " is too low\n";
//   }
//
// The reasons, each with its common causes and what to do, are in eventbus/v1/errors.proto.
namespace eventbus::client {

using ErrorReason = ::eventbus::v1::ErrorReason;

// The cause. ERROR_REASON_UNSPECIFIED if the status carries none, as when no broker was reached, or
// one that this library does not know.
ErrorReason GetErrorReason(const absl::Status& status);

// A field that is wrong, such as `events[3].type`, and what is wrong with it.
struct FieldViolation {
  std::string field;
  std::string description;
};
std::vector<FieldViolation> GetFieldViolations(const absl::Status& status);

// Path of the first wrong field. Empty if none is named.
std::string GetErrorField(const absl::Status& status);

// A fact for the reason, such as `limit`, `setting`, `group`. Empty if absent.
std::string GetErrorMetadata(const absl::Status& status, absl::string_view key);

// How long the broker asks to wait before the next try.
std::optional<absl::Duration> GetRetryDelay(const absl::Status& status);

}  // namespace eventbus::client

#endif  // EVENTBUS_ERRORS_H_
