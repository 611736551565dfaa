#include "server/store/redis/redis_server_info.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace eventbus {
namespace {

constexpr int kOldestMajor = 6;
constexpr int kOldestMinor = 2;

bool IsNewEnough(absl::string_view version) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(version, absl::MaxSplits('.', 1));
  int major = 0;
  int minor = 0;
  if (!absl::SimpleAtoi(parts.first, &major)) return false;
  const absl::string_view rest = parts.second.substr(0, parts.second.find('.'));
  if (!absl::SimpleAtoi(rest, &minor)) minor = 0;
  return major > kOldestMajor || (major == kOldestMajor && minor >= kOldestMinor);
}

}  // namespace

RedisServerInfo RedisServerInfo::Parse(absl::string_view text) {
  RedisServerInfo info;
  const auto number = [](absl::string_view value) {
    uint64_t parsed = 0;
    return absl::SimpleAtoi(value, &parsed) ? parsed : 0;
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    const absl::string_view name = line.substr(0, colon);
    const absl::string_view value = line.substr(colon + 1);
    if (name == "server_name") info.server = std::string(value);
    if (name == "redis_version") info.version = std::string(value);
    if (name == "redis_mode") info.mode = std::string(value);
    if (name == "role") info.role = std::string(value);
    if (name == "maxmemory_policy") info.eviction_policy = std::string(value);
    if (name == "used_memory") info.used_memory = number(value);
    if (name == "maxmemory") info.max_memory = number(value);
    if (name == "loading") info.loading = value == "1";
    if (name == "aof_enabled") info.append_only_file = value == "1";
  }
  return info;
}

absl::Status CheckServer(const RedisServerInfo& info, bool allow_eviction) {
  if (!IsNewEnough(info.version)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "version ", info.version.empty() ? "unknown" : info.version, " is too old; Redis ",
        kOldestMajor, ".", kOldestMinor, " or newer, or Valkey, is needed"));
  }
  if (info.mode == "cluster") {
    return absl::FailedPreconditionError(
        "it is a Redis Cluster, which this version does not support; use a single master");
  }
  if (info.mode == "sentinel") {
    return absl::FailedPreconditionError(
        "it is a Sentinel; give its address as redis+sentinel://host:port/name-of-the-master");
  }
  if (info.eviction_policy != "noeviction" && !info.eviction_policy.empty() && !allow_eviction) {
    return absl::FailedPreconditionError(absl::StrCat(
        "its maxmemory-policy is ", info.eviction_policy,
        ", with which it deletes streams when memory is short, and their events with them; set it "
        "to noeviction, or accept the loss with store.redis.allow_eviction"));
  }
  if (info.loading) return absl::UnavailableError("it is loading its data");
  if (info.role != "master" && !info.role.empty()) {
    return absl::UnavailableError(
        absl::StrCat("its role is ", info.role, ", which takes no writes; waiting for the master"));
  }
  return absl::OkStatus();
}

bool NearlyFull(const RedisServerInfo& info) {
  return info.max_memory > 0 && info.used_memory >= info.max_memory / 10 * 9;
}

}  // namespace eventbus
