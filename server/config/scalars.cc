#include "server/config/scalars.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/config/units.h"
#include "server/config/yaml.h"

namespace eventbus::settings {
namespace {

absl::Status Bad(absl::string_view what, absl::string_view allowed) {
  return absl::InvalidArgumentError(absl::StrCat(what, "; allowed: ", allowed));
}

std::string Range(absl::string_view min, absl::string_view max, const char* zero) {
  std::string range = absl::StrCat(min, " to ", max);
  if (zero != nullptr) absl::StrAppend(&range, ", or 0: ", zero);
  return range;
}

bool InRange(std::uint64_t value, std::uint64_t min, std::uint64_t max, const char* zero) {
  return (value >= min && value <= max) || (value == 0 && zero != nullptr);
}

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

}  // namespace

std::string WholeNumber::Allowed() const {
  return Range(absl::StrCat(min), absl::StrCat(max), zero);
}

absl::StatusOr<std::uint64_t> WholeNumber::Read(absl::string_view text) const {
  std::uint64_t value = 0;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  if (!digits || !absl::SimpleAtoi(text, &value)) return Bad("not a whole number", Allowed());
  if (!InRange(value, min, max, zero)) return Bad("out of range", Allowed());
  return value;
}

std::string WholeNumber::Print(std::uint64_t value) { return absl::StrCat(value); }

std::string ByteSize::Allowed() const { return Range(FormatBytes(min), FormatBytes(max), zero); }

absl::StatusOr<std::uint64_t> ByteSize::Read(absl::string_view text) const {
  const std::optional<std::uint64_t> value = ParseBytes(text);
  if (!value.has_value()) return Bad("not a size such as 64MiB", Allowed());
  if (!InRange(*value, min, max, zero)) return Bad("out of range", Allowed());
  return *value;
}

std::string ByteSize::Print(std::uint64_t value) { return FormatBytes(value); }

std::string TimeSpan::Allowed() const {
  return Range(FormatTimeSpan(min), FormatTimeSpan(max), zero);
}

absl::StatusOr<absl::Duration> TimeSpan::Read(absl::string_view text) const {
  const std::optional<absl::Duration> value = ParseTimeSpan(text);
  if (!value.has_value()) return Bad("not a duration with a unit, such as 30s", Allowed());
  if (*value == absl::ZeroDuration() && zero != nullptr) return absl::InfiniteDuration();
  if (*value < min || *value > max) return Bad("out of range", Allowed());
  return *value;
}

std::string TimeSpan::Print(absl::Duration value) {
  return value == absl::InfiniteDuration() ? "0" : FormatTimeSpan(value);
}

absl::StatusOr<bool> Switch::Read(absl::string_view text) const {
  bool value = false;
  if (!absl::SimpleAtob(text, &value)) return Bad("neither true nor false", Allowed());
  return value;
}

std::string PlainText::Allowed() const {
  return absl::StrCat("text of ", min_bytes, " to ", max_bytes, " bytes");
}

absl::StatusOr<std::string> PlainText::Read(absl::string_view text) const {
  if (HasControlCharacter(text)) return Bad("has a control character", Allowed());
  if (text.size() < min_bytes) return Bad("too short", Allowed());
  if (text.size() > max_bytes) return Bad("too long", Allowed());
  return std::string(text);
}

std::string PlainText::Print(const std::string& value) { return YamlScalar(value); }

std::string Address::Allowed() const {
  return may_be_empty ? "host:port, port 0 for a free one; empty for none"
                      : "host:port, port 0 for a free one";
}

absl::StatusOr<std::string> Address::Read(absl::string_view text) const {
  if (text.empty() && may_be_empty) return std::string();
  if (!ParseHostPort(text).has_value()) {
    return Bad("not an address such as 127.0.0.1:9463 or [::1]:9463", Allowed());
  }
  return std::string(text);
}

std::string Address::Print(const std::string& value) { return YamlScalar(value); }

std::string RedisUrl::Allowed() const {
  return "redis://[user[:password]@]host[:port][/database], the same with rediss:// for TLS, "
         "redis+sentinel://[user[:password]@]host[:port][,host[:port]…]/master[/database] or "
         "unix:///path/to/socket; empty for none";
}

absl::StatusOr<std::string> RedisUrl::Read(absl::string_view text) const {
  if (text.empty()) return std::string();
  if (HasControlCharacter(text) || absl::StrContains(text, ' ')) {
    return Bad("has a space or control character", Allowed());
  }
  absl::string_view rest = text;
  if (absl::StartsWith(rest, "unix://")) return std::string(text);
  if (!absl::ConsumePrefix(&rest, "redis://") && !absl::ConsumePrefix(&rest, "rediss://") &&
      !absl::ConsumePrefix(&rest, "redis+sentinel://")) {
    return Bad("not a Redis URL", Allowed());
  }
  rest = rest.substr(0, rest.find('/'));
  const std::size_t at = rest.rfind('@');
  if (at != absl::string_view::npos) rest = rest.substr(at + 1);
  if (rest.empty() || rest.front() == ':') return Bad("a Redis URL without a host", Allowed());
  return std::string(text);
}

std::string RedisUrl::Print(const std::string& value) { return YamlScalar(value); }

std::string OneOf(const std::vector<const char*>& names) {
  return absl::StrCat("one of ", absl::StrJoin(names, ", "));
}

int IndexOf(absl::string_view text, const std::vector<const char*>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (absl::EqualsIgnoreCase(text, names[i])) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace eventbus::settings
