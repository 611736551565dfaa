#ifndef EVENTBUS_SERVER_STORE_REDIS_REDIS_SERVER_INFO_H_
#define EVENTBUS_SERVER_STORE_REDIS_REDIS_SERVER_INFO_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// What INFO tells of a server, as far as it matters to us.
struct RedisServerInfo {
  // "redis" or "valkey", and its version as Redis' (Valkey says 7.2.4 for compatibility).
  std::string server = "redis";
  std::string version;
  std::string mode;
  std::string role;
  std::string eviction_policy;
  uint64_t used_memory = 0;
  // 0: no bound.
  uint64_t max_memory = 0;
  bool loading = false;
  bool append_only_file = false;

  // From the text of INFO; sections may be missing.
  static RedisServerInfo Parse(absl::string_view info);
};

// Whether a server can be the store. FAILED_PRECONDITION: not before somebody changes something,
// which the message names. UNAVAILABLE: not now.
absl::Status CheckServer(const RedisServerInfo& info, bool allow_eviction);

// Whether publishes are to be refused, so that there is room to settle what is there: from 90 % of
// `maxmemory` on.
bool NearlyFull(const RedisServerInfo& info);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_REDIS_REDIS_SERVER_INFO_H_
