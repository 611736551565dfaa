#include "server/observe/logging.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "server/observe/log_line.h"

namespace eventbus {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

// Made directly and never registered: spdlog's registry would be a global of ours.
std::shared_ptr<spdlog::logger> MakeLogger(spdlog::sink_ptr sink, const LoggingOptions& options) {
  const char* pattern = options.format == LogFormat::kJson
                            ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})"
                            : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  sink->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n"));
  auto logger = std::make_shared<spdlog::logger>("eventbus", std::move(sink));
  logger->set_level(ToSpdlog(options.level));
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace

Logger::Logger(std::shared_ptr<spdlog::logger> sink, LogFormat format)
    : sink_(std::move(sink)), format_(format) {}

Logger Logger::ToStandardError(const LoggingOptions& options) {
  return Logger(MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), options),
                options.format);
}

Logger Logger::ToStream(std::ostream& stream, const LoggingOptions& options) {
  return Logger(MakeLogger(std::make_shared<spdlog::sinks::ostream_sink_mt>(stream), options),
                options.format);
}

Logger Logger::Null() {
  const LoggingOptions options{.level = LogLevel::kOff, .format = LogFormat::kText};
  return Logger(MakeLogger(std::make_shared<spdlog::sinks::null_sink_mt>(), options),
                options.format);
}

bool Logger::Enabled(LogLevel level) const {
  return level != LogLevel::kOff && sink_->should_log(ToSpdlog(level));
}

void Logger::SetLevel(LogLevel level) const { sink_->set_level(ToSpdlog(level)); }

void Logger::Log(LogLevel level, absl::string_view message,
                 std::initializer_list<LogField> fields) const {
  if (!Enabled(level)) return;
  const std::string line =
      format_ == LogFormat::kJson ? JsonLogMembers(message, fields) : TextLogLine(message, fields);
  sink_->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace eventbus
