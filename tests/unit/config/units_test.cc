#include "server/config/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/config/did_you_mean.h"

namespace eventbus::settings {
namespace {

TEST(UnitsTest, SizesAreReadWithBinaryAndDecimalUnits) {
  const struct {
    const char* text;
    std::optional<std::uint64_t> bytes;
  } kCases[] = {
      {"0", 0},
      {"1048576", 1048576},
      {"100B", 100},
      {"64KiB", 65536},
      {"64kib", 65536},
      {"3 MiB", 3145728},
      {"1GB", 1'000'000'000},
      {"2TiB", 2199023255552},
      {"", std::nullopt},
      {"MiB", std::nullopt},
      {"-1", std::nullopt},
      {"+1", std::nullopt},
      {"1.5GiB", std::nullopt},
      {"64 K iB", std::nullopt},
      {"64XB", std::nullopt},
      {"18446744073709551616", std::nullopt},
      {"99999999TiB", std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(ParseBytes(c.text), c.bytes) << c.text;
}

TEST(UnitsTest, AFormattedSizeIsShortAndReadsBackTheSame) {
  const struct {
    std::uint64_t bytes;
    const char* text;
  } kCases[] = {
      {0, "0"},
      {1, "1B"},
      {1000, "1000B"},
      {1024, "1KiB"},
      {1536, "1536B"},
      {65536, "64KiB"},
      {3145728, "3MiB"},
      {1073741824, "1GiB"},
      {1048577, "1048577B"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(FormatBytes(c.bytes), c.text);
    EXPECT_EQ(ParseBytes(c.text), c.bytes) << c.text;
  }
}

TEST(UnitsTest, DurationsWantAUnit) {
  const struct {
    const char* text;
    std::optional<absl::Duration> duration;
  } kCases[] = {
      {"0", absl::ZeroDuration()},
      {"30s", absl::Seconds(30)},
      {"1h30m", absl::Minutes(90)},
      {"500ms", absl::Milliseconds(500)},
      {"1.5s", absl::Milliseconds(1500)},
      {"7d", absl::Hours(168)},
      {"1d12h", absl::Hours(36)},
      {"", std::nullopt},
      {"30", std::nullopt},
      {"-30s", std::nullopt},
      {"inf", std::nullopt},
      {"5 parsecs", std::nullopt},
      {"d", std::nullopt},
      {"99999999999d", std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(ParseTimeSpan(c.text), c.duration) << c.text;
}

TEST(UnitsTest, AnAddressIsHostAndPort) {
  const struct {
    const char* text;
    const char* host;  // Null: refused.
    int port;
  } kCases[] = {
      {"127.0.0.1:9463", "127.0.0.1", 9463},
      {"localhost:0", "localhost", 0},
      {"[::1]:9463", "::1", 9463},
      {"bus.example.com:65535", "bus.example.com", 65535},
      {":9463", nullptr, 0},
      {"127.0.0.1", nullptr, 0},
      {"127.0.0.1:", nullptr, 0},
      {"127.0.0.1:65536", nullptr, 0},
      {"127.0.0.1:-1", nullptr, 0},
      {"127.0.0.1:http", nullptr, 0},
      {"::1:9463", nullptr, 0},
      {"[bus]:9463", nullptr, 0},
      {"http://bus:9463", nullptr, 0},
      {"", nullptr, 0},
  };
  for (const auto& c : kCases) {
    const std::optional<HostPort> address = ParseHostPort(c.text);
    ASSERT_EQ(address.has_value(), c.host != nullptr) << c.text;
    if (c.host == nullptr) continue;
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
  }
}

TEST(UnitsTest, OnlyThisMachineIsLoopback) {
  for (const char* host : {"127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "bus", "127.0.0.1.nip.io"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(DidYouMeanTest, FindsTheClosestOrNothing) {
  const std::vector<std::string> names = {"listen.address", "metrics.address", "retention.ttl"};
  EXPECT_EQ(ClosestTo("listen.adress", names), "listen.address");
  EXPECT_EQ(ClosestTo("listne.address", names), "listen.address");
  EXPECT_EQ(ClosestTo("retention.tll", names), "retention.ttl");
  EXPECT_EQ(ClosestTo("colour", names), "");
  EXPECT_EQ(ClosestTo("", names), "");
}

}  // namespace
}  // namespace eventbus::settings
