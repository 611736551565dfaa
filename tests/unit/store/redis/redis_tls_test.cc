#include "server/store/redis/redis_tls.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(RedisTlsTest, ABuildWithoutItSaysSoAndOneWithItNamesWhatItCannotUse) {
  const auto plain = RedisTls::Load({});
  if (!plain.ok()) {
    EXPECT_EQ(plain.status().code(), absl::StatusCode::kUnimplemented);
    EXPECT_TRUE(absl::StrContains(plain.status().message(), "hiredis")) << plain.status();
    return;
  }
  const auto no_file = RedisTls::Load({.ca_file = "/no/such/file.pem"});
  EXPECT_EQ(no_file.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(
      absl::StrContains(no_file.status().message(), "store.redis.ca_file /no/such/file.pem"))
      << no_file.status();
}

}  // namespace
}  // namespace eventbus
