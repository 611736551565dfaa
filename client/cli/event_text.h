#ifndef EVENTBUS_CLIENT_CLI_EVENT_TEXT_H_
#define EVENTBUS_CLIENT_CLI_EVENT_TEXT_H_

#include <string>

#include "eventbus/delivery.h"

namespace eventbus::cli {

// A delivery for people: one line on when, what, from whom; the further attributes; the data as it
// is, but for control characters. Ends with a line break. `colors`: for a terminal.
std::string FormatPretty(const client::Delivery& delivery, bool colors);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_EVENT_TEXT_H_
