#include "server/config/units.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace eventbus::settings {
namespace {

constexpr std::array<std::pair<const char*, std::uint64_t>, 10> kByteUnits = {{
    {"", 1},
    {"b", 1},
    {"kib", 1ULL << 10},
    {"mib", 1ULL << 20},
    {"gib", 1ULL << 30},
    {"tib", 1ULL << 40},
    {"kb", 1'000ULL},
    {"mb", 1'000'000ULL},
    {"gb", 1'000'000'000ULL},
    {"tb", 1'000'000'000'000ULL},
}};

std::size_t LeadingDigits(absl::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) {
    ++digits;
  }
  return digits;
}

}  // namespace

std::optional<std::uint64_t> ParseBytes(absl::string_view text) {
  const std::size_t digits = LeadingDigits(text);
  std::uint64_t number = 0;
  if (!absl::SimpleAtoi(text.substr(0, digits), &number)) return std::nullopt;
  const absl::string_view unit = absl::StripLeadingAsciiWhitespace(text.substr(digits));
  for (const auto& [name, factor] : kByteUnits) {
    if (!absl::EqualsIgnoreCase(unit, name)) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::string FormatBytes(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  constexpr std::array<const char*, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (unit + 1 < kNames.size() && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrCat(bytes, kNames[unit]);
}

std::optional<absl::Duration> ParseTimeSpan(absl::string_view text) {
  absl::Duration days = absl::ZeroDuration();
  const std::size_t digits = LeadingDigits(text);
  if (digits > 0 && digits < text.size() && text[digits] == 'd') {
    std::int64_t count = 0;
    // A hundred thousand years is beyond any use and still far from overflow.
    if (!absl::SimpleAtoi(text.substr(0, digits), &count) || count > 36'500'000) {
      return std::nullopt;
    }
    days = absl::Hours(24) * count;
    text = text.substr(digits + 1);
    if (text.empty()) return days;
  }
  absl::Duration rest;
  if (!absl::ParseDuration(std::string(text), &rest)) return std::nullopt;
  if (rest < absl::ZeroDuration() || rest == absl::InfiniteDuration()) return std::nullopt;
  return days + rest;
}

std::string FormatTimeSpan(absl::Duration duration) {
  return duration == absl::ZeroDuration() ? "0" : absl::FormatDuration(duration);
}

std::optional<HostPort> ParseHostPort(absl::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  absl::string_view host = text.substr(0, colon);
  const absl::string_view port = text.substr(colon + 1);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
    in6_addr ignored{};
    if (inet_pton(AF_INET6, std::string(host).c_str(), &ignored) != 1) return std::nullopt;
  } else if (host.find_first_of(":[] \t/@") != absl::string_view::npos) {
    return std::nullopt;
  }
  int number = 0;
  if (host.empty() || port.empty() || LeadingDigits(port) != port.size() ||
      !absl::SimpleAtoi(port, &number) || number > 65'535) {
    return std::nullopt;
  }
  return HostPort{.host = std::string(host), .port = static_cast<std::uint16_t>(number)};
}

bool IsLoopback(absl::string_view host) {
  const std::string name(host);
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, name.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return false;
}

}  // namespace eventbus::settings
