// Sizes, durations and addresses as people write them.
#ifndef EVENTBUS_SERVER_CONFIG_UNITS_H_
#define EVENTBUS_SERVER_CONFIG_UNITS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace eventbus::settings {

// "1048576", "64KiB", "3 MiB", "1GB": a whole number and an optional unit, B, KiB to TiB (powers of
// 1024) or kB to TB (powers of 1000), in any case. Nothing if it is none of these or overflows.
std::optional<std::uint64_t> ParseBytes(absl::string_view text);

// In the largest binary unit that divides it: 1048576 is "1MiB", 1000 is "1000B", 0 is "0".
std::string FormatBytes(std::uint64_t bytes);

// "30s", "1h30m", "500ms", "7d": numbers with units d, h, m, s, ms, us, ns, or "0". A number
// without a unit is nothing, nor is a negative or an infinite duration.
std::optional<absl::Duration> ParseTimeSpan(absl::string_view text);

// "24h", "1m30s", "0".
std::string FormatTimeSpan(absl::Duration duration);

struct HostPort {
  std::string host;  // Without the brackets of an IPv6 address.
  std::uint16_t port = 0;
};

// "127.0.0.1:9463", "localhost:0", "[::1]:9463". Nothing without a host.
std::optional<HostPort> ParseHostPort(absl::string_view text);

// True for 127.0.0.0/8, ::1 and localhost; false for other names, whatever they resolve to.
bool IsLoopback(absl::string_view host);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_UNITS_H_
