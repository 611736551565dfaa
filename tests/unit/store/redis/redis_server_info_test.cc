#include "server/store/redis/redis_server_info.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

RedisServerInfo Good() {
  return RedisServerInfo::Parse(
      "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n# Memory\r\nused_memory:100\r\n"
      "maxmemory:1000\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\nloading:0\r\n"
      "aof_enabled:1\r\n# Replication\r\nrole:master\r\n");
}

TEST(RedisServerInfoTest, ReadsWhatMattersFromInfo) {
  const RedisServerInfo info = Good();
  EXPECT_EQ(info.version, "7.0.15");
  EXPECT_EQ(info.mode, "standalone");
  EXPECT_EQ(info.role, "master");
  EXPECT_EQ(info.eviction_policy, "noeviction");
  EXPECT_EQ(info.used_memory, 100u);
  EXPECT_EQ(info.max_memory, 1000u);
  EXPECT_FALSE(info.loading);
  EXPECT_TRUE(info.append_only_file);
}

TEST(RedisServerInfoTest, AGoodServerIsTaken) {
  EXPECT_TRUE(CheckServer(Good(), false).ok());
  for (const std::string version : {"6.2.0", "6.2.14", "7.4.1", "8.0.0", "10.1"}) {
    RedisServerInfo info = Good();
    info.version = version;
    EXPECT_TRUE(CheckServer(info, false).ok()) << version;
  }
}

TEST(RedisServerInfoTest, WhatOnlyAnOperatorCanMendIsAFailedPrecondition) {
  const auto check = [](auto change) {
    RedisServerInfo info = Good();
    change(info);
    return CheckServer(info, false);
  };
  for (const std::string version : {"", "5.0.7", "6.0.16", "6.1", "x"}) {
    const absl::Status old = check([&](RedisServerInfo& info) { info.version = version; });
    EXPECT_EQ(old.code(), absl::StatusCode::kFailedPrecondition) << version;
    EXPECT_TRUE(absl::StrContains(old.message(), "6.2")) << old;
  }
  const absl::Status evicts =
      check([](RedisServerInfo& info) { info.eviction_policy = "allkeys-lru"; });
  EXPECT_EQ(evicts.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(evicts.message(), "allkeys-lru")) << evicts;
  EXPECT_TRUE(absl::StrContains(evicts.message(), "store.redis.allow_eviction")) << evicts;
  EXPECT_EQ(check([](RedisServerInfo& info) { info.mode = "cluster"; }).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(RedisServerInfoTest, EvictionMayBeAccepted) {
  RedisServerInfo info = Good();
  info.eviction_policy = "volatile-lru";
  EXPECT_TRUE(CheckServer(info, true).ok());
}

TEST(RedisServerInfoTest, WhatPassesByItselfIsUnavailable) {
  RedisServerInfo replica = Good();
  replica.role = "slave";
  EXPECT_EQ(CheckServer(replica, false).code(), absl::StatusCode::kUnavailable);
  RedisServerInfo loading = Good();
  loading.loading = true;
  EXPECT_EQ(CheckServer(loading, false).code(), absl::StatusCode::kUnavailable);
}

TEST(RedisServerInfoTest, NearlyFullIsFromNinetyPercentOn) {
  RedisServerInfo info = Good();
  info.used_memory = 899;
  EXPECT_FALSE(NearlyFull(info));
  info.used_memory = 900;
  EXPECT_TRUE(NearlyFull(info));
  info.max_memory = 0;
  EXPECT_FALSE(NearlyFull(info));
}

}  // namespace
}  // namespace eventbus
