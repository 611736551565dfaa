#include "client/cli/start_option.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace eventbus::cli {

absl::StatusOr<client::StartAt> ParseStart(const std::vector<std::string>& values, absl::Time now) {
  client::StartAt::AfterPositions after;
  for (const std::string& value : values) {
    if (value.find('=') != std::string::npos) {
      after.positions.insert(
          std::pair<std::string, std::string>(absl::StrSplit(value, absl::MaxSplits('=', 1))));
      continue;
    }
    if (values.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", value, "\": only STREAM=POSITION can be given more than once"));
    }
    if (value == "latest") return client::StartAt::Latest();
    if (value == "earliest") return client::StartAt::Earliest();
    if (const absl::StatusOr<absl::Time> time = ParseMoment(value, now); time.ok()) {
      return client::StartAt::Time(*time);
    }
    return absl::InvalidArgumentError(
        absl::StrCat("\"", value, "\" is none of: latest, earliest, a time such as ",
                     "2026-01-31T08:00:00Z, a duration such as 10m (ago), STREAM=POSITION"));
  }
  return client::StartAt::After(std::move(after));
}

absl::StatusOr<absl::Time> ParseMoment(absl::string_view text, absl::Time now) {
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return time;
  if (const absl::StatusOr<absl::Duration> ago = ParseDuration(text); ago.ok()) return now - *ago;
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is neither a time such as ",
                                                 "2026-01-31T08:00:00Z nor a duration such as ",
                                                 "10m (ago)"));
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds) && std::isfinite(seconds) && seconds >= 0) {
    return absl::Seconds(seconds);
  }
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration >= absl::ZeroDuration() &&
      duration != absl::InfiniteDuration()) {
    return duration;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is no duration such as 10s, 1m30s or 500ms"));
}

}  // namespace eventbus::cli
