#ifndef EVENTBUS_CLIENT_CLI_MESSAGES_H_
#define EVENTBUS_CLIENT_CLI_MESSAGES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace eventbus::cli {

// One line on standard error: `eventbusctl: <text>`.
void PrintError(absl::string_view text);

// What a status means to somebody at a shell: what happened, which field, what to do about it.
std::string Explain(const absl::Status& status);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_MESSAGES_H_
