// How the daemon logs: what the configuration says about it, as plain values.
#ifndef EVENTBUS_SERVER_OBSERVE_LOGGING_OPTIONS_H_
#define EVENTBUS_SERVER_OBSERVE_LOGGING_OPTIONS_H_

namespace eventbus {

// In order of rising severity; a logger writes its own level and everything above it.
enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

enum class LogFormat {
  kText,  // One line for people: time, level, message, key=value fields.
  kJson,  // One JSON object a line, for machines.
};

struct LoggingOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_LOGGING_OPTIONS_H_
