#ifndef EVENTBUS_SERVER_BROKER_SUBSCRIBER_STATS_H_
#define EVENTBUS_SERVER_BROKER_SUBSCRIBER_STATS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/broker/rate_meter.h"
#include "server/broker/subscription.h"
#include "server/loop/loop.h"

namespace eventbus {

// One subscriber, for operators: meaning and units as in eventbus.v1.SubscriberStats. Times are by
// the store's clock, which all instances have in common.
struct SubscriberStats {
  // "<incarnation>/<number>".
  std::string subscription_id;
  std::string instance_id;
  std::string client_id;
  std::map<std::string, std::string> client_properties;
  std::string peer;
  // Empty: a tail, and then `patterns` are its own.
  std::string group;
  std::vector<std::string> patterns;
  // It came by Receive, not by Subscribe.
  bool receive = false;
  FlowLimits flow;
  uint64_t in_flight = 0;
  uint64_t in_flight_bytes = 0;
  uint64_t delivered_events = 0;
  uint64_t acked_events = 0;
  uint64_t failed_events = 0;
  double events_per_second = 0;
  double errors_per_minute = 0;
  absl::Time connected;
  absl::Time last_activity;
  absl::Time as_of;
};

// SubscriberMeter counts what one subscriber gets and does. Owned by the subscriber (Member, Tail).
// Loop thread only.
class SubscriberMeter {
 public:
  explicit SubscriberMeter(const Loop* loop)
      : loop_(loop),
        connected_(loop->MonotonicNow()),
        last_activity_(connected_),
        deliveries_(absl::Minutes(1), connected_),
        failures_(absl::Minutes(5), connected_) {}

  void Delivered(uint64_t events) {
    delivered_ += events;
    deliveries_.Add(loop_->MonotonicNow(), events);
  }
  void Acked(uint64_t events) { acked_ += events; }
  // Nacked, rejected, or not settled in time.
  void Failed(uint64_t events) {
    if (events == 0) return;
    failed_ += events;
    failures_.Add(loop_->MonotonicNow(), events);
  }
  // Something came from it.
  void Active() { last_activity_ = loop_->MonotonicNow(); }

  // `now`: by the store's clock.
  void WriteTo(absl::Time now, SubscriberStats* stats) const {
    const absl::Duration mono = loop_->MonotonicNow();
    stats->delivered_events = delivered_;
    stats->acked_events = acked_;
    stats->failed_events = failed_;
    stats->events_per_second = deliveries_.PerSecond(mono);
    stats->errors_per_minute = failures_.PerSecond(mono) * 60;
    stats->connected = now - (mono - connected_);
    stats->last_activity = now - (mono - last_activity_);
    stats->as_of = now;
  }

 private:
  const Loop* const loop_;
  const absl::Duration connected_;
  absl::Duration last_activity_;
  uint64_t delivered_ = 0;
  uint64_t acked_ = 0;
  uint64_t failed_ = 0;
  RateMeter deliveries_;
  RateMeter failures_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SUBSCRIBER_STATS_H_
