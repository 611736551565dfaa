#ifndef EVENTBUS_SERVER_BROKER_DELAYED_MOVER_H_
#define EVENTBUS_SERVER_BROKER_DELAYED_MOVER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"
#include "server/broker/stream_policies.h"

namespace eventbus {

// DelayedMover has the store move delayed events into their streams when they are due. Every
// instance does, for all streams: the store moves each event once. It holds no events, only when it
// has to look next: exactly then for what was delayed here, a moment later for what others have
// delayed, since they are there first if they live, and at least once in a sweep interval, to learn
// of it. Times are the store's; this instance's wall clock does not matter.
//
// What a crash has kept out of the store's list of what is due is found by a slow round over all
// types, one in a minute.
//
// Owned by the broker. Loop thread only.
class DelayedMover {
 public:
  // Creates a stream that is not there, with its groups.
  using Bear = std::function<void(const std::string&, absl::AnyInvocable<void(absl::Status)>)>;

  // All must outlive it. `on_advanced` is called with a stream into which something was moved.
  DelayedMover(const Context* context, const Registry* registry, const StreamPolicies* policies,
               std::function<void(absl::string_view)> on_advanced, Bear bear);

  void Start();
  void Stop();
  // The store can be reached again.
  void Recheck();

  // This instance has delayed something: due then, by the store's clock, at which it is now
  // `store_time`; so many events wait on the stream now.
  void NoteDelayed(const std::string& stream, absl::Time due, absl::Time store_time,
                   uint64_t waiting);

  // Delayed events of all streams, as seen last.
  uint64_t waiting() const { return total_waiting_; }

 private:
  void WakeAt(absl::Duration when);
  void Look();
  void OnDue(const absl::StatusOr<ListDueResult>& due);
  void Move(const std::string& stream);
  void OnMoved(const std::string& stream, const absl::StatusOr<MoveDueResult>& moved);
  void EndMove(const std::string& stream, bool failed);
  void RoundTick();
  void NoteWaiting(const std::string& stream, uint64_t waiting);

  const Context* const context_;
  const Registry* const registry_;
  const StreamPolicies* const policies_;
  const std::function<void(absl::string_view)> on_advanced_;
  const Bear bear_;
  bool started_ = false;
  bool looking_ = false;
  // Look once more when the answer is there.
  bool look_again_ = false;
  absl::flat_hash_set<std::string> moving_;
  // On the loop's monotonic clock.
  absl::Duration wake_at_ = absl::InfiniteDuration();
  std::unique_ptr<Timer> wake_timer_;
  // What is left of the slow round.
  std::deque<std::string> round_;
  size_t per_tick_ = 1;
  absl::Duration next_round_;
  std::unique_ptr<Timer> round_timer_;
  // Streams on which something waits.
  absl::flat_hash_map<std::string, uint64_t> waiting_;
  uint64_t total_waiting_ = 0;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_DELAYED_MOVER_H_
