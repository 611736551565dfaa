// The stream of signals between instances is bounded, and who cannot follow knows.
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/store/redis/redis_address.h"
#include "tests/conformance/store/redis_store_world.h"
#include "tests/conformance/store/store_conformance.h"
#include "tests/support/redis_server.h"

namespace eventbus {
namespace {

constexpr char kStream[] = "order.completed.v1";
constexpr char kSignals[] = "eventbus:{registry}:signals";

class RedisSignalsTest : public ::testing::Test {
 protected:
  RedisStoreOptions Options() const {
    RedisStoreOptions options;
    options.address = *RedisAddress::Parse(redis_.url());
    options.max_signals = 100;
    return options;
  }
  int KeptSignals() const { return std::atoi(redis_.Ask(absl::StrCat("XLEN ", kSignals)).c_str()); }

  RedisServer redis_;
};

TEST_F(RedisSignalsTest, AboutAsManyAreKeptAsAskedFor) {
  RedisStoreWorld world(Options());
  std::unique_ptr<StreamStore> store;
  world.Run([&] { store = world.Connect(); });
  world.Run([&] {
    store->CreateStream({kStream, {}, {}}, [](const absl::StatusOr<CreateStreamResult>& made) {
      EXPECT_TRUE(made.ok()) << made.status();
    });
  });
  int answered = 0;
  for (int turn = 0; turn < 1'000; ++turn) {
    world.Run([&] {
      store->Append({kStream, Bytes::FromString("x")},
                    [&](const absl::StatusOr<EntryId>& id) { answered += id.ok() ? 1 : 0; });
    });
  }
  ASSERT_TRUE(world.WaitUntil([&] { return answered == 1'000; }));
  world.LetEverythingArrive();
  // Redis drops them by whole nodes of 100.
  EXPECT_GE(KeptSignals(), 100);
  EXPECT_LE(KeptSignals(), 200);
  world.Run([&] { store.reset(); });
}

TEST_F(RedisSignalsTest, WhoMissesSomeIsTold) {
  RedisStoreWorld world(Options());
  RecordingListener hears;
  std::unique_ptr<StreamStore> store;
  world.Run([&] {
    store = world.Connect();
    store->SetListener(&hears);
  });
  world.Run([&] { EXPECT_EQ(hears.signals_missed, 0); });  // Once it is connected.
  // More than are kept, while this instance is busy with something else.
  redis_.Ask(
      absl::StrCat("EVAL \"for n = 1, 5000 do redis.call('XADD', KEYS[1], 'MAXLEN', '~', 1000, "
                   "'*', 'from', 'x', "
                   "'advanced', 'a.b') end\" 1 ",
                   kSignals));
  EXPECT_TRUE(world.WaitUntil([&] { return hears.signals_missed > 0; }));
  // And goes on with those that are left, up to the last one.
  redis_.Ask(absl::StrCat("XADD ", kSignals, " * from x advanced last"));
  EXPECT_TRUE(
      world.WaitUntil([&] { return !hears.advanced.empty() && hears.advanced.back() == "last"; }));
  world.Run([&] { store.reset(); });
}

}  // namespace
}  // namespace eventbus
