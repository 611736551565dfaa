#include "server/store/redis/redis_error.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/store/stream_store.h"

namespace eventbus {
namespace {

struct Case {
  std::string error;
  absl::StatusCode code;
  bool ends_connection = false;
};

TEST(RedisErrorTest, EachErrorOfRedisHasItsMeaning) {
  using Code = absl::StatusCode;
  const std::vector<Case> cases = {
      {"NOGROUP No such key 'k' or consumer group 'g'", Code::kNotFound},
      {"ERR no such key", Code::kNotFound},
      {"ERR The XGROUP subcommand requires the key to exist. Note …", Code::kNotFound},
      {"OOM command not allowed when used memory > 'maxmemory'.", Code::kResourceExhausted},
      {"ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -OOM command not "
       "allowed when used memory > 'maxmemory'.",
       Code::kResourceExhausted},
      {"LIMIT there are 10 types already", Code::kResourceExhausted},
      {"ABSENT there is no group", Code::kNotFound},
      {"VERSION the group is at version 3", Code::kAborted},
      {"LAYOUT what is stored has layout 9", Code::kFailedPrecondition},
      {"READONLY You can't write against a read only replica.", Code::kUnavailable, true},
      {"LOADING Redis is loading the dataset in memory", Code::kUnavailable, true},
      {"MASTERDOWN Link with MASTER is down", Code::kUnavailable, true},
      {"NOAUTH Authentication required.", Code::kUnavailable, true},
      {"NOPERM this user has no permissions", Code::kUnavailable},
      {"WRONGPASS invalid username-password pair", Code::kUnavailable},
      {"MISCONF Redis is configured to save RDB snapshots", Code::kUnavailable},
      {"NOREPLICAS Not enough good replicas to write.", Code::kUnavailable},
      {"MOVED 3999 127.0.0.1:6381", Code::kUnavailable},
      {"WRONGTYPE Operation against a key", Code::kUnavailable},
  };
  for (const Case& one : cases) {
    const absl::Status status = StatusFromRedisError(one.error);
    EXPECT_EQ(status.code(), one.code) << one.error;
    // An answer is an answer: nothing was done.
    EXPECT_FALSE(IsOutcomeUnknown(status)) << one.error;
    EXPECT_EQ(EndsConnection(one.error), one.ends_connection) << one.error;
  }
}

}  // namespace
}  // namespace eventbus
