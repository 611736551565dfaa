// What min_replicas promises, against a master and a replica.
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/store/redis/redis_address.h"
#include "tests/conformance/store/redis_store_world.h"
#include "tests/support/redis_server.h"

namespace eventbus {
namespace {

constexpr char kStream[] = "order.completed.v1";
constexpr char kLog[] = "eventbus:{order.completed.v1}:log";

class RedisReplicationTest : public ::testing::Test {
 protected:
  // How long the replica may take: so long where it is to make it, so short where it is not.
  static constexpr absl::Duration kLong = absl::Seconds(15);
  static constexpr absl::Duration kShort = absl::Milliseconds(400);

  void Connect(absl::Duration replica_timeout) {
    master_.WaitForReplica();
    RedisStoreOptions options;
    options.address = *RedisAddress::Parse(master_.url());
    options.min_replicas = 1;
    options.replica_timeout = replica_timeout;
    world_ = std::make_unique<RedisStoreWorld>(options);
    world_->Run([this] { store_ = world_->Connect(); });
    world_->Run([this] {
      store_->CreateStream({kStream, {}, {}}, [](const absl::StatusOr<CreateStreamResult>& made) {
        EXPECT_TRUE(made.ok()) << made.status();
      });
    });
    EXPECT_TRUE(Append("first").ok());
  }

  void TearDown() override {
    if (world_ != nullptr) world_->Run([this] { store_.reset(); });
  }

  template <typename T>
  absl::StatusOr<T> Await(absl::FunctionRef<void(StreamStore::Callback<T>)> start) {
    std::optional<absl::StatusOr<T>> answer;
    world_->Run([&] { start([&](absl::StatusOr<T> result) { answer = std::move(result); }); });
    EXPECT_TRUE(world_->WaitUntil([&] { return answer.has_value(); })) << "no answer";
    return answer.has_value() ? *std::move(answer) : absl::DeadlineExceededError("no answer");
  }

  absl::StatusOr<EntryId> Append(std::string value) {
    return Await<EntryId>([&](auto done) {
      store_->Append({kStream, Bytes::FromString(std::move(value))}, std::move(done));
    });
  }

  static int Number(const std::string& text) { return std::atoi(text.c_str()); }
  int Waits() const {
    const std::string stats = master_.Ask("INFO commandstats");
    const size_t at = stats.find("cmdstat_wait:calls=");
    return at == std::string::npos ? 0 : Number(stats.substr(stats.find('=', at) + 1));
  }

  RedisServer master_{RedisServer::MasterOptions()};
  RedisServer replica_{RedisServer::ReplicaOptions(master_)};
  std::unique_ptr<RedisStoreWorld> world_;
  std::unique_ptr<StreamStore> store_;
};

TEST_F(RedisReplicationTest, WhatIsConfirmedIsOnTheReplica) {
  Connect(kLong);
  for (int i = 2; i <= 50; ++i) {
    ASSERT_TRUE(Append("more").ok());
    // At once, without waiting for the replica.
    EXPECT_EQ(Number(replica_.Ask(absl::StrCat("XLEN ", kLog))), i);
  }
  const auto group = Await<GroupRegistration>(
      [&](auto done) { store_->RegisterGroup("g", "{}", 10, std::move(done)); });
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_EQ(replica_.Ask("HGET eventbus:{registry}:groups g"), "1 1 1 {}");
}

TEST_F(RedisReplicationTest, AFrozenReplicaLeavesTheOutcomeUnknownInTimeAndHoldsUpNothingElse) {
  Connect(kShort);
  replica_.Freeze();
  std::optional<absl::StatusOr<EntryId>> appended;
  const absl::Time begin = absl::Now();
  world_->Run([&] {
    store_->Append({kStream, Bytes::FromString("second")},
                   [&](absl::StatusOr<EntryId> id) { appended = std::move(id); });
  });
  // Other calls go on meanwhile.
  const auto instances = Await<HeartbeatResult>([&](auto done) {
    store_->Heartbeat({"me", ""}, std::move(done));
  });
  EXPECT_TRUE(instances.ok()) << instances.status();
  EXPECT_FALSE(appended.has_value()) << "nothing was there to look at while it waited";
  ASSERT_TRUE(world_->WaitUntil([&] { return appended.has_value(); }));
  EXPECT_GE(absl::Now() - begin, kShort);
  EXPECT_LT(absl::Now() - begin, kShort + absl::Seconds(5));
  EXPECT_TRUE(IsOutcomeUnknown(appended->status())) << appended->status();
  EXPECT_TRUE(absl::StrContains(appended->status().message(), "0 of the 1 replicas"))
      << appended->status();

  const auto group = Await<GroupRegistration>(
      [&](auto done) { store_->RegisterGroup("g", "{}", 10, std::move(done)); });
  EXPECT_TRUE(IsOutcomeUnknown(group.status())) << group.status();
  // Certain errors are told at once.
  const auto absent = Await<EntryId>([&](auto done) {
    store_->Append({"no.such", Bytes::FromString("x")}, std::move(done));
  });
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);

  replica_.Thaw();
  EXPECT_TRUE(world_->WaitUntil([&] { return Append("third").ok(); }));
}

TEST_F(RedisReplicationTest, ALostConnectionForWritesIsKnownUntilItIsBack) {
  Connect(kLong);
  const auto& store = static_cast<const RedisStore&>(*store_);
  EXPECT_TRUE(store.ReadyToWrite().ok()) << store.ReadyToWrite();
  const std::string clients = master_.Ask("CLIENT LIST");
  const std::string before_name = clients.substr(0, clients.find(" name=eventbusd-writes "));
  const std::string id = before_name.substr(before_name.rfind("id=") + 3);
  master_.Ask("CLIENT KILL ID " + id.substr(0, id.find(' ')));
  EXPECT_TRUE(world_->WaitUntil([&] { return !store.ReadyToWrite().ok(); }));
  EXPECT_TRUE(absl::StrContains(store.ReadyToWrite().message(), "waits for replicas"));
  EXPECT_TRUE(world_->WaitUntil([&] { return store.ReadyToWrite().ok(); }));
  EXPECT_TRUE(Append("after").ok());
}

TEST_F(RedisReplicationTest, OneWaitConfirmsWhatATurnAppends) {
  Connect(kLong);
  const int before = Waits();
  int confirmed = 0;
  world_->Run([&] {
    for (int i = 0; i < 100; ++i) {
      store_->Append({kStream, Bytes::FromString("value")},
                     [&](const absl::StatusOr<EntryId>& id) { confirmed += id.ok() ? 1 : 0; });
    }
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return confirmed == 100; }));
  // And one for the signal, should it have come in a turn of its own.
  EXPECT_LE(Waits() - before, 2);
}

TEST_F(RedisReplicationTest, AMasterThatEndsWhileAReplicaIsWaitedForLeavesTheOutcomeUnknown) {
  Connect(kLong);
  replica_.Freeze();
  std::optional<absl::StatusOr<EntryId>> appended;
  world_->Run([&] {
    store_->Append({kStream, Bytes::FromString("second")},
                   [&](absl::StatusOr<EntryId> id) { appended = std::move(id); });
  });
  ASSERT_TRUE(
      world_->WaitUntil([&] { return Number(master_.Ask(absl::StrCat("XLEN ", kLog))) == 2; }));
  master_.Kill();
  ASSERT_TRUE(world_->WaitUntil([&] { return appended.has_value(); }));
  EXPECT_TRUE(IsOutcomeUnknown(appended->status())) << appended->status();
  // Nothing was written any more: certainly not done.
  EXPECT_TRUE(world_->WaitUntil([&] {
    const absl::Status status = Append("third").status();
    return absl::IsUnavailable(status) && !IsOutcomeUnknown(status);
  }));
}

}  // namespace
}  // namespace eventbus
