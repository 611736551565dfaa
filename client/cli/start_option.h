#ifndef EVENTBUS_CLIENT_CLI_START_OPTION_H_
#define EVENTBUS_CLIENT_CLI_START_OPTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "eventbus/subscription.h"

namespace eventbus::cli {

// --from: `latest`, `earliest`, an RFC 3339 time, a duration (that long before `now`), or one or
// more `STREAM=POSITION`. INVALID_ARGUMENT says what is allowed. Pure.
absl::StatusOr<client::StartAt> ParseStart(const std::vector<std::string>& values, absl::Time now);

// A time (RFC 3339), or a duration (that long before `now`). Pure.
absl::StatusOr<absl::Time> ParseMoment(absl::string_view text, absl::Time now);

// `10s`, `1m30s`, `500ms`, or a plain number of seconds; not negative. Pure.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_START_OPTION_H_
