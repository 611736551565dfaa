#ifndef EVENTBUS_TESTS_SUPPORT_VIRTUAL_LINK_H_
#define EVENTBUS_TESTS_SUPPORT_VIRTUAL_LINK_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "server/loop/loop.h"
#include "server/store/memory/memory_store_connection.h"
#include "tests/support/virtual_world.h"

namespace eventbus {

// VirtualLink is the way from a virtual process to a memory store outside of it: each message takes
// a time drawn from the world's seed, and none overtakes another in its direction. What a process
// has sent arrives also if the process dies or freezes meanwhile. The world and the process must
// outlive it.
class VirtualLink final : public StoreLink {
 public:
  // Each way takes between the two, both included.
  VirtualLink(VirtualWorld* world, VirtualProcess* process, absl::Duration min_latency,
              absl::Duration max_latency)
      : world_(world), process_(process), min_(min_latency), max_(max_latency) {}

  void ToStore(Task task) override {
    world_->Schedule(Delay(store_after_), [task = std::move(task)]() mutable { task(); });
  }

  // A real store reads what a connection has sent in pieces, and others' in between.
  size_t AtOnce(size_t requests) override {
    if (requests == 1 || !world_->shuffles() || world_->random()() % 2 == 0) return requests;
    return 1 + world_->random()() % requests;
  }

  void ToBroker(Task task) override {
    world_->Schedule(Delay(broker_after_), [process = process_, task = std::move(task)]() mutable {
      process->Post(std::move(task));
    });
  }

 private:
  // From now until a new message arrives behind the last one in its direction.
  absl::Duration Delay(absl::Duration& last_arrival) {
    const int64_t spread = absl::ToInt64Microseconds(max_ - min_);
    const auto drawn =
        spread > 0 ? static_cast<int64_t>(world_->random()() % static_cast<uint64_t>(spread + 1))
                   : int64_t{0};
    const absl::Duration now = world_->elapsed();
    // Strictly behind: a shuffled world may swap what arrives at one instant.
    last_arrival =
        std::max(last_arrival + absl::Nanoseconds(1), now + min_ + absl::Microseconds(drawn));
    return last_arrival - now;
  }

  VirtualWorld* const world_;
  VirtualProcess* const process_;
  const absl::Duration min_;
  const absl::Duration max_;
  absl::Duration store_after_ = absl::ZeroDuration();
  absl::Duration broker_after_ = absl::ZeroDuration();
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_SUPPORT_VIRTUAL_LINK_H_
