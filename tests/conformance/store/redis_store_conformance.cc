#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/loop/uv_loop.h"
#include "server/loop/uv_network.h"
#include "server/observe/logging.h"
#include "server/store/redis/redis_address.h"
#include "server/store/redis/redis_store.h"
#include "tests/conformance/store/store_conformance.h"
#include "tests/support/redis_server.h"

namespace eventbus {
namespace {

// Longer than any answer takes, also on a busy machine.
constexpr absl::Duration kPatience = absl::Seconds(20);
// What was sent before has arrived then: for looking that something did not come.
constexpr absl::Duration kQuiet = absl::Milliseconds(15);

// A namespace of its own on one server for all tests.
class RedisStoreWorld final : public StoreWorld {
 public:
  RedisStoreWorld(const RedisServer& server, std::string prefix)
      : address_(*RedisAddress::Parse(server.url())), prefix_(std::move(prefix)) {}

  std::unique_ptr<StreamStore> Connect() override {
    RedisStoreOptions options;
    options.address = address_;
    options.prefix = prefix_;
    auto store = std::make_unique<RedisStore>(&loop_, &network_, Logger::Null(), options);
    // It hears signals from when it has answered for the first time.
    ++connecting_;
    store->ListTypes([this](const absl::StatusOr<std::vector<TypeRecord>>& types) {
      EXPECT_TRUE(types.ok()) << types.status();
      --connecting_;
    });
    return store;
  }

  void Run(Task task) override {
    WaitUntil([this] { return connecting_ == 0; });
    bool ran = false;
    loop_.Post([&] {
      std::move(task)();
      ran = true;
    });
    WaitUntil([&] { return ran; });
  }

  bool WaitUntil(absl::FunctionRef<bool()> condition) override {
    const absl::Duration end = loop_.MonotonicNow() + kPatience;
    while (!condition()) {
      if (loop_.MonotonicNow() > end) return false;
      Turn(absl::Milliseconds(100));
    }
    return true;
  }

  void LetEverythingArrive() override {
    const absl::Duration end = loop_.MonotonicNow() + kQuiet;
    while (loop_.MonotonicNow() < end) Turn(end - loop_.MonotonicNow());
  }

 private:
  // One turn of the loop, which waits for something to happen for no longer than this.
  void Turn(absl::Duration most) {
    const std::unique_ptr<Timer> timer = loop_.CreateTimer([] {});
    timer->Arm(most);
    uv_run(loop_.uv(), UV_RUN_ONCE);
  }

  const RedisAddress address_;
  const std::string prefix_;
  UvLoop loop_;
  UvNetwork network_{&loop_};
  int connecting_ = 0;
};

std::unique_ptr<StoreWorld> MakeRedisWorld() {
  static RedisServer* const server = new RedisServer();  // Ends with the program.
  static int worlds = 0;
  return std::make_unique<RedisStoreWorld>(*server, absl::StrCat("test", ++worlds));
}

INSTANTIATE_TEST_SUITE_P(Redis, StoreConformanceTest,
                         ::testing::Values(StoreFactory{"Redis", MakeRedisWorld}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace eventbus
