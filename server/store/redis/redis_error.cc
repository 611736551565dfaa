#include "server/store/redis/redis_error.h"

#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/store/stream_store.h"

namespace eventbus {
namespace {

struct Known {
  absl::string_view prefix;
  absl::StatusCode code;
  // What to do about it; follows Redis' own words.
  absl::string_view advice;
};

// The errors of our own scripts (server/store/redis/scripts) come first.
constexpr std::array<Known, 18> kKnown = {{
    {"LIMIT ", absl::StatusCode::kResourceExhausted, ""},
    {"ABSENT ", absl::StatusCode::kNotFound, ""},
    {"VERSION ", absl::StatusCode::kAborted, ""},
    {"FENCED ", absl::StatusCode::kFailedPrecondition, ""},
    {"LAYOUT ", absl::StatusCode::kFailedPrecondition, ""},
    {"NOGROUP ", absl::StatusCode::kNotFound, ""},
    {"ERR no such key", absl::StatusCode::kNotFound, ""},
    {"ERR The XGROUP subcommand requires the key to exist", absl::StatusCode::kNotFound, ""},
    {"OOM ", absl::StatusCode::kResourceExhausted,
     "Redis is at its maxmemory: raise it, or keep less (retention)"},
    {"READONLY ", absl::StatusCode::kUnavailable, "Redis is a replica: connect to the master"},
    {"LOADING ", absl::StatusCode::kUnavailable, ""},
    {"MASTERDOWN ", absl::StatusCode::kUnavailable, ""},
    {"MISCONF ", absl::StatusCode::kUnavailable, "Redis cannot write to its disk"},
    {"NOREPLICAS ", absl::StatusCode::kUnavailable, ""},
    {"NOAUTH ", absl::StatusCode::kUnavailable, "give user and password in store.redis.url"},
    {"WRONGPASS ", absl::StatusCode::kUnavailable, "check user and password in store.redis.url"},
    {"NOPERM ", absl::StatusCode::kUnavailable,
     "docs/redis.md lists what the user must be allowed"},
    {"MOVED ", absl::StatusCode::kUnavailable,
     "this is a Redis Cluster, which this version does not support"},
}};

}  // namespace

absl::Status StatusFromRedisError(absl::string_view error) {
  // Redis 6.2 puts its own words before the error of a command in a script.
  const bool in_script = absl::StartsWith(error, "ERR Error running script");
  for (const Known& known : kKnown) {
    const bool is_this = absl::StartsWith(error, known.prefix) ||
                         (in_script && absl::StrContains(error, absl::StrCat(": -", known.prefix)));
    if (!is_this) continue;
    return absl::Status(known.code, known.advice.empty()
                                        ? absl::StrCat("Redis: ", error)
                                        : absl::StrCat("Redis: ", error, " (", known.advice, ")"));
  }
  return NotDoneError(absl::StrCat("Redis: ", error));
}

bool EndsConnection(absl::string_view error) {
  return absl::StartsWith(error, "READONLY ") || absl::StartsWith(error, "LOADING ") ||
         absl::StartsWith(error, "MASTERDOWN ") || absl::StartsWith(error, "NOAUTH ");
}

}  // namespace eventbus
