#ifndef EVENTBUS_SERVER_BROKER_RETENTION_H_
#define EVENTBUS_SERVER_BROKER_RETENTION_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"
#include "server/broker/stream_policies.h"
#include "server/broker/stream_room.h"

namespace eventbus {

// Retention drops what streams need not keep any longer, by sweeps, by the store's clock. A stream
// that is bounded by its ttl only is looked at when its first event's time is over; one with other
// bounds once in `retention_interval`. What groups lose by it is counted, never silent.
//
// Owned by the broker. Loop thread only.
class Retention {
 public:
  // All must outlive it. `room` is told what is seen of streams that may be full.
  Retention(const Context* context, const Registry* registry, const StreamPolicies* policies,
            StreamRoom* room);

  void Start();
  void Stop() { timer_->Disarm(); }

 private:
  void Tick();
  void Sweep(const std::string& stream);
  void OnInfo(const std::string& stream, const StreamInfo& info);
  void NoteNextLook(const std::string& stream, const StreamPolicy& policy, const StreamInfo& info);
  // What every group that matches is done with.
  void DropSettled(const std::string& stream);
  void Trim(TrimRequest request, const char* why);

  const Context* const context_;
  const Registry* const registry_;
  const StreamPolicies* const policies_;
  StreamRoom* const room_;
  // What is left of this round.
  std::deque<std::string> round_;
  // On the loop's monotonic clock: when a stream has to be looked at again. Absent: now.
  absl::flat_hash_map<std::string, absl::Duration> next_look_;
  size_t per_tick_ = 1;
  // Until the next round may begin.
  int ticks_left_ = 0;
  std::unique_ptr<Timer> timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RETENTION_H_
