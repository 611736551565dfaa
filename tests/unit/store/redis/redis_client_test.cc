// What waits for a connection to Redis that is being made, and what becomes of it when there is
// none; in virtual time, on a network that finds nobody.
#include "server/store/redis/redis_client.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/stream_store.h"
#include "tests/support/virtual_world.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;

// Names are asked for and never found, as by a resolver that hangs.
class HangingNetwork final : public Network {
 public:
  std::unique_ptr<SocketWatcher> WatchSocket(
      int /*socket*/, absl::AnyInvocable<void(Readiness)> /*on_ready*/) override {
    return nullptr;
  }
  void Resolve(const std::string& host, Resolved done) override {
    asked.push_back(host);
    waiting_.push_back(std::move(done));
  }

  std::vector<std::string> asked;

 private:
  std::vector<Resolved> waiting_;
};

class RedisClientTest : public ::testing::Test, public RedisClient::Listener {
 protected:
  void Start(RedisClientOptions options = {}) {
    options.address = *RedisAddress::Parse("redis://cache.example:6379");
    options.connect_timeout = absl::Seconds(3);
    client_ = std::make_unique<RedisClient>(&process_, &network_, this, std::move(options));
    client_->Start();
  }
  // A command of about this size; what becomes of it goes to answers_, under its name.
  void Send(const std::string& name, size_t size = 0) {
    client_->Send(
        std::move(RedisCommand("ECHO").Add(std::string(size, 'x'))),
        [this, name](const absl::StatusOr<RedisReply>& reply) {
          ASSERT_FALSE(reply.ok());
          answers_.push_back(name + (IsOutcomeUnknown(reply.status()) ? ":unknown" : ":not done"));
        });
  }

  VirtualWorld world_;
  VirtualProcess& process_ = world_.CreateProcess("a");
  HangingNetwork network_;
  std::vector<std::string> answers_;
  int downs_ = 0;
  std::unique_ptr<RedisClient> client_;

 private:
  void OnPrepare() override {}
  void OnUp() override {}
  void OnDown(const absl::Status& /*why*/) override { ++downs_; }
};

TEST_F(RedisClientTest, WhatWaitsForAConnectionIsBoundedAndWhatIsTooMuchFailsAsNotDone) {
  RedisClientOptions options;
  options.max_waiting_bytes = 1'000;
  Start(std::move(options));
  for (const char* name : {"a", "b", "c"}) Send(name, 400);
  world_.Advance(absl::Seconds(1));
  EXPECT_THAT(answers_, ElementsAre("c:not done"));
  // Those that wait do so until the attempt is over.
  world_.Advance(absl::Seconds(2));
  EXPECT_THAT(answers_, ElementsAre("c:not done", "a:not done", "b:not done"));
}

TEST_F(RedisClientTest, WhoWaitsForAnIdHearsTheSame) {
  Start();
  client_->SendForId(RedisCommand("XADD"), [this](const absl::StatusOr<EntryId>& id) {
    ASSERT_FALSE(id.ok());
    answers_.push_back(IsOutcomeUnknown(id.status()) ? "unknown" : "not done");
  });
  world_.Advance(absl::Seconds(3));
  EXPECT_THAT(answers_, ElementsAre("not done"));
}

TEST_F(RedisClientTest, OneCommandWaitsHoweverLarge) {
  RedisClientOptions options;
  options.max_waiting_bytes = 1'000;
  Start(std::move(options));
  Send("a", 5'000);
  world_.Advance(absl::Seconds(1));
  EXPECT_THAT(answers_, ElementsAre());
}

TEST_F(RedisClientTest, AResolverThatHangsHoldsUpAnAttemptNoLongerThanItMayTake) {
  Start();
  world_.Advance(absl::Milliseconds(2'999));
  EXPECT_EQ(downs_, 0);
  world_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(downs_, 1);
  // Between two attempts nothing waits.
  Send("a");
  world_.RunReady();
  EXPECT_THAT(answers_, ElementsAre("a:not done"));
  // The next one comes soon, and asks anew.
  world_.Advance(absl::Milliseconds(50));
  EXPECT_THAT(network_.asked, ElementsAre("cache.example", "cache.example"));
}

}  // namespace
}  // namespace eventbus
