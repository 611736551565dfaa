#ifndef EVENTBUS_CLIENT_CLI_FILTER_OPTION_H_
#define EVENTBUS_CLIENT_CLI_FILTER_OPTION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "eventbus/v1/broker.pb.h"

namespace eventbus::cli {

// --filter: conditions on attributes, `NAME=VALUE`, `NAME^=PREFIX` or `NAME$=SUFFIX` each. Replaces
// what was in `filter`. INVALID_ARGUMENT says what is allowed. Pure.
absl::Status ReadFilter(const std::vector<std::string>& conditions, v1::AttributeFilter* filter);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_FILTER_OPTION_H_
