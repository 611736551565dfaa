#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/store/memory/memory_store.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/conformance/store/store_conformance.h"
#include "tests/support/virtual_link.h"
#include "tests/support/virtual_world.h"

namespace eventbus {
namespace {

class MemoryStoreWorld final : public StoreWorld {
 public:
  // Zero latency: store and brokers share the loop, as in the daemon.
  MemoryStoreWorld(bool shuffle, absl::Duration max_latency)
      : world_({.seed = 42, .shuffle = shuffle}), max_latency_(max_latency) {}

  std::unique_ptr<StreamStore> Connect() override {
    if (max_latency_ == absl::ZeroDuration()) {
      return std::make_unique<MemoryStoreConnection>(&store_, &process_);
    }
    return std::make_unique<MemoryStoreConnection>(
        &store_, &process_,
        std::make_shared<VirtualLink>(&world_, &process_, absl::Microseconds(10), max_latency_));
  }

  void Run(Task task) override {
    bool ran = false;
    process_.Post([&] {
      std::move(task)();
      ran = true;
    });
    world_.RunUntil([&] { return ran; }, absl::ZeroDuration());
  }

  bool WaitUntil(absl::FunctionRef<bool()> condition) override {
    return world_.RunUntil(condition, absl::Seconds(10));
  }

  void LetEverythingArrive() override { world_.Advance(absl::Seconds(10)); }

 private:
  // Before the world: what is still on its way dies with the world, and needs the store.
  MemoryStore store_{{}, [this] { return world_.Now(); }};
  VirtualWorld world_;
  VirtualProcess& process_ = world_.CreateProcess("brokers");
  const absl::Duration max_latency_;
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformanceTest,
                         ::testing::Values(StoreFactory{"OnTheSameLoop",
                                                        [] {
                                                          return std::make_unique<MemoryStoreWorld>(
                                                              false, absl::ZeroDuration());
                                                        }},
                                           StoreFactory{"BehindALink",
                                                        [] {
                                                          return std::make_unique<MemoryStoreWorld>(
                                                              true, absl::Milliseconds(3));
                                                        }}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace eventbus
