#include "server/store/redis/redis_address.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace eventbus {
namespace {

constexpr int kMaxDatabase = 1'000'000;
constexpr int kRedisPort = 6379;
constexpr int kSentinelPort = 26379;
constexpr size_t kMaxSentinels = 16;

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "not a Redis URL: ", what,
      "; it looks like redis://[user[:password]@]host[:port][/database], "
      "redis+sentinel://[user[:password]@]host[:port][,host[:port]…]/master[/database] or "
      "unix:///path[?db=n]"));
}

absl::StatusOr<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (text.front() != '%') {
      decoded.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    uint32_t code = 0;
    // SimpleHexAtoi alone would take "0x" and signs too.
    if (text.size() < 3 || !absl::ascii_isxdigit(static_cast<unsigned char>(text[1])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(text[2])) ||
        !absl::SimpleHexAtoi(text.substr(1, 2), &code)) {
      return Bad("a % that is not followed by two hexadecimal digits");
    }
    decoded.push_back(static_cast<char>(code));
    text.remove_prefix(3);
  }
  return decoded;
}

// Takes "[user][:password]@" off the front of `rest`.
absl::Status TakeCredentials(absl::string_view* rest, RedisAddress* address) {
  const size_t end = rest->rfind('@');
  if (end == absl::string_view::npos) return absl::OkStatus();
  const absl::string_view credentials = rest->substr(0, end);
  rest->remove_prefix(end + 1);
  const size_t colon = credentials.find(':');
  const absl::StatusOr<std::string> user = PercentDecode(credentials.substr(0, colon));
  if (!user.ok()) return user.status();
  address->user = *user;
  if (colon == absl::string_view::npos) return absl::OkStatus();
  const absl::StatusOr<std::string> password = PercentDecode(credentials.substr(colon + 1));
  if (!password.ok()) return password.status();
  address->password = *password;
  return absl::OkStatus();
}

absl::Status SetDatabase(absl::string_view text, RedisAddress* address) {
  if (absl::SimpleAtoi(text, &address->database) && address->database >= 0 &&
      address->database <= kMaxDatabase) {
    return absl::OkStatus();
  }
  return Bad("the database is not a number");
}

absl::StatusOr<RedisAddress> ParseUnix(absl::string_view rest) {
  RedisAddress address;
  if (!absl::StartsWith(rest, "/")) {
    if (absl::Status status = TakeCredentials(&rest, &address); !status.ok()) return status;
  }
  const size_t question = rest.find('?');
  address.socket_path = std::string(rest.substr(0, question));
  if (!absl::StartsWith(address.socket_path, "/")) return Bad("the socket's path is not absolute");
  if (question == absl::string_view::npos) return address;
  absl::string_view query = rest.substr(question + 1);
  if (!absl::ConsumePrefix(&query, "db=")) return Bad("only ?db=n may follow the path");
  if (absl::Status status = SetDatabase(query, &address); !status.ok()) return status;
  return address;
}

// "host", "host:port", "[::1]:port"
absl::StatusOr<RedisPlace> ParsePlace(absl::string_view text, int default_port) {
  RedisPlace place;
  place.port = default_port;
  absl::string_view port;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Bad("a [ without its ]");
    place.host = std::string(text.substr(0, end));
    port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    place.host = std::string(text.substr(0, colon));
    port = colon == absl::string_view::npos ? absl::string_view() : text.substr(colon);
  }
  if (place.host.empty()) return Bad("it has no host");
  if (port.empty()) return place;
  if (!absl::ConsumePrefix(&port, ":") || !absl::SimpleAtoi(port, &place.port) || place.port < 1 ||
      place.port > 65535) {
    return Bad("the port is not a number from 1 to 65535");
  }
  return place;
}

absl::StatusOr<RedisAddress> ParseTcp(absl::string_view rest) {
  RedisAddress address;
  // A password may hold a slash only percent-encoded, so the first one begins the database.
  const size_t slash = rest.find('/');
  absl::string_view place = rest.substr(0, slash);
  if (slash != absl::string_view::npos && slash + 1 < rest.size()) {
    absl::Status status = SetDatabase(rest.substr(slash + 1), &address);
    if (!status.ok()) return status;
  }
  if (absl::Status status = TakeCredentials(&place, &address); !status.ok()) return status;
  absl::StatusOr<RedisPlace> parsed = ParsePlace(place, kRedisPort);
  if (!parsed.ok()) return parsed.status();
  address.place = *std::move(parsed);
  return address;
}

absl::StatusOr<RedisAddress> ParseSentinel(absl::string_view rest) {
  RedisAddress address;
  const size_t slash = rest.find('/');
  if (slash == absl::string_view::npos) return Bad("the name of the master is missing");
  absl::string_view places = rest.substr(0, slash);
  absl::string_view path = rest.substr(slash + 1);
  if (const size_t question = path.find('?'); question != absl::string_view::npos) {
    absl::string_view query = path.substr(question + 1);
    path = path.substr(0, question);
    if (!absl::ConsumePrefix(&query, "sentinel_password=")) {
      return Bad("only ?sentinel_password=… may follow the master");
    }
    const absl::StatusOr<std::string> password = PercentDecode(query);
    if (!password.ok()) return password.status();
    address.sentinel_password = *password;
  }
  if (const size_t second = path.find('/'); second != absl::string_view::npos) {
    absl::Status status = SetDatabase(path.substr(second + 1), &address);
    if (!status.ok()) return status;
    path = path.substr(0, second);
  }
  const absl::StatusOr<std::string> name = PercentDecode(path);
  if (!name.ok()) return name.status();
  if (name->empty()) return Bad("the name of the master is missing");
  address.master_name = *name;
  if (absl::Status status = TakeCredentials(&places, &address); !status.ok()) return status;
  for (const absl::string_view text : absl::StrSplit(places, ',')) {
    absl::StatusOr<RedisPlace> place = ParsePlace(text, kSentinelPort);
    if (!place.ok()) return place.status();
    address.sentinels.push_back(*std::move(place));
  }
  if (address.sentinels.size() > kMaxSentinels) return Bad("it names more than 16 sentinels");
  return address;
}

}  // namespace

absl::StatusOr<RedisAddress> RedisAddress::Parse(absl::string_view url) {
  if (absl::ConsumePrefix(&url, "redis://")) return ParseTcp(url);
  if (absl::ConsumePrefix(&url, "unix://")) return ParseUnix(url);
  if (absl::ConsumePrefix(&url, "redis+sentinel://")) return ParseSentinel(url);
  if (absl::ConsumePrefix(&url, "rediss://")) {
    absl::StatusOr<RedisAddress> address = ParseTcp(url);
    if (address.ok()) address->tls = true;
    return address;
  }
  return Bad("it begins with none of redis://, rediss://, redis+sentinel://, unix://");
}

std::string RedisPlace::ToString() const {
  const bool v6 = absl::StrContains(host, ':');
  return absl::StrCat(v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
}

std::string RedisAddress::ToString() const {
  if (!socket_path.empty()) return absl::StrCat("unix:", socket_path, "/", database);
  if (sentinels.empty()) return absl::StrCat(tls ? "tls:" : "", place.ToString(), "/", database);
  const auto print = [](std::string* out, const RedisPlace& one) {
    absl::StrAppend(out, one.ToString());
  };
  return absl::StrCat("sentinel:", absl::StrJoin(sentinels, ",", print), "/", master_name, "/",
                      database);
}

}  // namespace eventbus
