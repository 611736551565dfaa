#include <memory>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/store/redis/redis_address.h"
#include "tests/conformance/store/redis_store_world.h"
#include "tests/conformance/store/store_conformance.h"
#include "tests/support/redis_server.h"

namespace eventbus {
namespace {

std::unique_ptr<StoreWorld> MakeRedisWorld() {
  static RedisServer* const server = new RedisServer();  // Ends with the program.
  static int worlds = 0;
  RedisStoreOptions options;
  options.address = *RedisAddress::Parse(server->url());
  options.prefix = absl::StrCat("test", ++worlds);
  return std::make_unique<RedisStoreWorld>(options);
}

// The same with a replica that has to have everything before it is confirmed.
std::unique_ptr<StoreWorld> MakeReplicatedWorld() {
  static RedisServer* const master = [] {
    auto* const server = new RedisServer(RedisServer::MasterOptions());
    // Kept, as the master is: both end with the program.
    [[maybe_unused]] static RedisServer* const replica =
        new RedisServer(RedisServer::ReplicaOptions(*server));
    server->WaitForReplica();
    return server;
  }();
  static int worlds = 0;
  RedisStoreOptions options;
  options.address = *RedisAddress::Parse(master->url());
  options.prefix = absl::StrCat("test", ++worlds);
  options.min_replicas = 1;
  options.replica_timeout = absl::Seconds(10);
  return std::make_unique<RedisStoreWorld>(options);
}

INSTANTIATE_TEST_SUITE_P(Redis, StoreConformanceTest,
                         ::testing::Values(StoreFactory{"Redis", MakeRedisWorld},
                                           StoreFactory{"Replicated", MakeReplicatedWorld}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace eventbus
