#ifndef EVENTBUS_TESTS_CONFORMANCE_STORE_REDIS_STORE_WORLD_H_
#define EVENTBUS_TESTS_CONFORMANCE_STORE_REDIS_STORE_WORLD_H_

#include <csignal>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/loop/uv_loop.h"
#include "server/loop/uv_network.h"
#include "server/observe/logging.h"
#include "server/store/redis/redis_store.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {

// Redis stores on a real loop, all with the same options: of which the prefix is a namespace of the
// test's own.
class RedisStoreWorld final : public StoreWorld {
 public:
  // `quiet`: after so long, what was sent before has arrived; for looking that something did not
  // come.
  explicit RedisStoreWorld(RedisStoreOptions options, absl::Duration quiet = absl::Milliseconds(15))
      : options_(std::move(options)), quiet_(quiet) {
    // Writing to a server that has ended is an error, not the end of the program; as in the daemon.
    std::signal(SIGPIPE, SIG_IGN);
  }

  // Without a look at whether it can be reached.
  std::unique_ptr<StreamStore> ConnectUnasked() {
    return std::make_unique<RedisStore>(&loop_, &network_, Logger::Null(), options_);
  }

  std::unique_ptr<StreamStore> Connect() override {
    std::unique_ptr<StreamStore> store = ConnectUnasked();
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
    const absl::Duration end = loop_.MonotonicNow() + quiet_;
    while (loop_.MonotonicNow() < end) Turn(end - loop_.MonotonicNow());
  }

 private:
  // One turn of the loop, which waits for something to happen for no longer than this.
  void Turn(absl::Duration most) { loop_.RunTurn(most); }

  // Longer than any answer takes, also on a busy machine.
  static constexpr absl::Duration kPatience = absl::Seconds(20);

  const RedisStoreOptions options_;
  const absl::Duration quiet_;
  UvLoop loop_;
  UvNetwork network_{&loop_};
  int connecting_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_CONFORMANCE_STORE_REDIS_STORE_WORLD_H_
