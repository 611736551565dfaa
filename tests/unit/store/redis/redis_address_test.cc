#include "server/store/redis/redis_address.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(RedisAddressTest, ReadsEveryPartOfAUrl) {
  const auto address = RedisAddress::Parse("redis://app:s3cret@cache.example:6380/2");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->place.host, "cache.example");
  EXPECT_EQ(address->place.port, 6380);
  EXPECT_EQ(address->user, "app");
  EXPECT_EQ(address->password, "s3cret");
  EXPECT_EQ(address->database, 2);
  EXPECT_EQ(address->ToString(), "cache.example:6380/2");
}

TEST(RedisAddressTest, WhatIsLeftOutHasItsDefault) {
  const auto address = RedisAddress::Parse("redis://cache");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->place.port, 6379);
  EXPECT_EQ(address->user, "");
  EXPECT_EQ(address->password, "");
  EXPECT_EQ(address->database, 0);
}

TEST(RedisAddressTest, APasswordAloneAndPercentEncodingAreUnderstood) {
  const auto address = RedisAddress::Parse("redis://:p%40ss%2Fword@[::1]:7000");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->user, "");
  EXPECT_EQ(address->password, "p@ss/word");
  EXPECT_EQ(address->place.host, "::1");
  EXPECT_EQ(address->ToString(), "[::1]:7000/0");
}

TEST(RedisAddressTest, UnixSocketsHaveAPathAndPerhapsADatabase) {
  const auto plain = RedisAddress::Parse("unix:///run/redis.sock");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->socket_path, "/run/redis.sock");
  const auto full = RedisAddress::Parse("unix://me:secret@/run/redis.sock?db=3");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->socket_path, "/run/redis.sock");
  EXPECT_EQ(full->user, "me");
  EXPECT_EQ(full->password, "secret");
  EXPECT_EQ(full->database, 3);
}

TEST(RedisAddressTest, SentinelsAreSeveralPlacesAndTheMastersName) {
  const auto full = RedisAddress::Parse(
      "redis+sentinel://me:s3cret@a.example,b.example:26380,[::1]:7/main/"
      "2?sentinel_password=p%40ss");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->sentinels,
            (std::vector<RedisPlace>{{"a.example", 26379}, {"b.example", 26380}, {"::1", 7}}));
  EXPECT_EQ(full->master_name, "main");
  EXPECT_EQ(full->database, 2);
  EXPECT_EQ(full->user, "me");
  EXPECT_EQ(full->password, "s3cret");
  EXPECT_EQ(full->sentinel_password, "p@ss");
  EXPECT_EQ(full->ToString(), "sentinel:a.example:26379,b.example:26380,[::1]:7/main/2");
  const auto plain = RedisAddress::Parse("redis+sentinel://a/main");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->sentinels, (std::vector<RedisPlace>{{"a", 26379}}));
  EXPECT_EQ(plain->database, 0);
  EXPECT_EQ(plain->sentinel_password, "");
}

TEST(RedisAddressTest, WhatIsNoUrlIsRefusedWithoutShowingThePassword) {
  for (const std::string url : {"",
                                "cache:6379",
                                "http://cache",
                                "redis://",
                                "redis://:6379",
                                "redis://u:hunter2@",
                                "redis://u:hunter2@cache:0",
                                "redis://u:hunter2@cache:70000",
                                "redis://u:hunter2@cache:x",
                                "redis://u:hunter2@cache/x",
                                "redis://u:hunter2@cache/-1",
                                "redis://u:hunter2%4@cache",
                                "redis://[::1",
                                "unix://redis.sock",
                                "unix:///redis.sock?x=1",
                                "redis+sentinel://a",
                                "redis+sentinel://a/",
                                "redis+sentinel://a,/main",
                                "redis+sentinel://,a/main",
                                "redis+sentinel://:hunter2@a:0/main",
                                "redis+sentinel://a/main/x",
                                "redis+sentinel://a/main?password=hunter2",
                                "redis+sentinel://a/main?sentinel_password=%"}) {
    const auto address = RedisAddress::Parse(url);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_FALSE(absl::StrContains(address.status().message(), "hunter2")) << address.status();
  }
}

TEST(RedisAddressTest, TlsIsAScheme) {
  const auto address = RedisAddress::Parse("rediss://app:s3cret@cache.example/2");
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_TRUE(address->tls);
  EXPECT_EQ(address->place.host, "cache.example");
  EXPECT_EQ(address->ToString(), "tls:cache.example:6379/2");
  EXPECT_FALSE(RedisAddress::Parse("redis://cache")->tls);
}

}  // namespace
}  // namespace eventbus
