// Structured logging: a constant message plus key=value fields.
//
//   Logger log = Logger::ToStandardError(options);
//   log.Info("group created", {{"group", name}, {"patterns", patterns.size()}});
//
// The message names what happened and never varies, so that it can be searched for; what varies
// goes into fields. Ids, types and sizes may be logged; the data of events never.
#ifndef EVENTBUS_SERVER_OBSERVE_LOGGING_H_
#define EVENTBUS_SERVER_OBSERVE_LOGGING_H_

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <type_traits>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/observe/logging_options.h"

namespace spdlog {
class logger;
}  // namespace spdlog

namespace eventbus {

// One field of a log line. Borrows key and text: it lives for the duration of the logging call
// only, which is why it is made in the call's argument list and nowhere else.
class LogField {
 public:
  using Value =
      std::variant<bool, std::int64_t, std::uint64_t, double, absl::string_view, std::string>;

  LogField(absl::string_view key, const char* text) : key_(key), value_(absl::string_view(text)) {}
  LogField(absl::string_view key, absl::string_view text) : key_(key), value_(text) {}
  LogField(absl::string_view key, const std::string& text)
      : key_(key), value_(absl::string_view(text)) {}
  // Written as a Go-style duration: 1.5s, 20ms.
  LogField(absl::string_view key, absl::Duration duration)
      : key_(key), value_(absl::FormatDuration(duration)) {}
  // Written as CODE: message.
  LogField(absl::string_view key, const absl::Status& status)
      : key_(key), value_(status.ToString()) {}
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  LogField(absl::string_view key, Number number) : key_(key), value_(Widen(number)) {}

  absl::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  template <typename Number>
  static auto Widen(Number number) {
    if constexpr (std::is_same_v<Number, bool>) {
      return number;
    } else if constexpr (std::is_floating_point_v<Number>) {
      return static_cast<double>(number);
    } else if constexpr (std::is_signed_v<Number>) {
      return static_cast<std::int64_t>(number);
    } else {
      return static_cast<std::uint64_t>(number);
    }
  }

  absl::string_view key_;
  Value value_;
};

// Writes log lines. A cheap handle: copies share one sink, and every part of the daemon is given
// its own copy by the composition root (there is no global logger). Any thread may log.
class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // Logs to standard error, each line flushed.
  static Logger ToStandardError(const LoggingOptions& options);
  // Logs to `stream`, which must outlive every copy of the logger. For tests.
  static Logger ToStream(std::ostream& stream, const LoggingOptions& options);
  // Drops everything. For tests and benchmarks.
  static Logger Null();

  void Debug(absl::string_view message, Fields fields = {}) const {
    Log(LogLevel::kDebug, message, fields);
  }
  void Info(absl::string_view message, Fields fields = {}) const {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warning(absl::string_view message, Fields fields = {}) const {
    Log(LogLevel::kWarning, message, fields);
  }
  void Error(absl::string_view message, Fields fields = {}) const {
    Log(LogLevel::kError, message, fields);
  }

  // True if a line of this level would be written: lets a hot path skip building its fields.
  bool Enabled(LogLevel level) const;

  // Changes the level of this logger and all its copies.
  void SetLevel(LogLevel level) const;

 private:
  Logger(std::shared_ptr<spdlog::logger> sink, LogFormat format);

  void Log(LogLevel level, absl::string_view message, Fields fields) const;

  std::shared_ptr<spdlog::logger> sink_;
  LogFormat format_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_LOGGING_H_
