// How a message and its fields become the text of a log line. Pure functions.
#ifndef EVENTBUS_SERVER_OBSERVE_LOG_LINE_H_
#define EVENTBUS_SERVER_OBSERVE_LOG_LINE_H_

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "server/observe/logging.h"

namespace eventbus {

// `group created group=analytics patterns=2`. A text that is empty or holds anything but printable
// ASCII without space, quote, = and backslash is quoted and escaped, so that a line stays one line.
std::string TextLogLine(absl::string_view message, std::initializer_list<LogField> fields);

// `"message":"group created","group":"analytics","patterns":2`: the inside of a JSON object, to
// which time and level are still to be added. Invalid UTF-8 becomes U+FFFD.
std::string JsonLogMembers(absl::string_view message, std::initializer_list<LogField> fields);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_LOG_LINE_H_
