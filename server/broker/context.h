#ifndef EVENTBUS_SERVER_BROKER_CONTEXT_H_
#define EVENTBUS_SERVER_BROKER_CONTEXT_H_

#include <string>

#include "absl/time/time.h"
#include "server/broker/broker_events.h"
#include "server/broker/broker_options.h"
#include "server/broker/byte_budget.h"
#include "server/broker/random_source.h"
#include "server/broker/rate_meter.h"
#include "server/loop/loop.h"
#include "server/store/stream_store.h"

namespace eventbus {

// The store's clock as far as this instance knows it: the one that all instances have in common,
// whatever their own clocks say. As exact as the way to the store is short.
class StoreClock {
 public:
  // What the store said, and when on our own monotonic clock.
  void Set(absl::Time store_time, absl::Duration monotonic) {
    offset_ = store_time - absl::UnixEpoch() - monotonic;
  }
  absl::Time At(absl::Duration monotonic) const { return absl::UnixEpoch() + offset_ + monotonic; }

 private:
  absl::Duration offset_;
};

// What goes through this instance, for its reports.
struct InstanceMeter {
  explicit InstanceMeter(absl::Duration now)
      : published(absl::Minutes(1), now), delivered(absl::Minutes(1), now) {}
  RateMeter published;
  RateMeter delivered;
};

// What the parts of one broker work with. Owned by the broker; outlives its parts.
struct Context {
  Loop* loop;
  StreamStore* store;
  BrokerEvents* events;
  const BrokerOptions* options;
  // Under which name this instance takes entries. Changes when others have judged it dead
  // meanwhile.
  std::string incarnation;
  // Nothing is asked of a store that is known to be unreachable.
  bool store_up = true;
  // Set before anybody subscribes or publishes.
  StoreClock store_clock;
  RandomSource* random = nullptr;
  // Of values that are kept while all their events wait for retries.
  ByteBudget* waiting_values = nullptr;
  InstanceMeter* meter = nullptr;

  absl::Time StoreNow() const { return store_clock.At(loop->MonotonicNow()); }
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_CONTEXT_H_
