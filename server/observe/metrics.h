// Every number the daemon exports, as typed members:
//
//   metrics.published_events.Increment(batch_size);
//   metrics.publish_errors[PublishError::kQueueFull].Increment();
//   metrics.subscribers[SubscriberKind::kTail].Add();
//   metrics.publish_latency.Observe(clock.Now() - received);
//
// Names, types and labels as Prometheus sees them stand in metric_families.cc, in docs/metrics.md
// and in tests/golden/metrics.txt; a test holds the three together. No Prometheus type appears
// here.
#ifndef EVENTBUS_SERVER_OBSERVE_METRICS_H_
#define EVENTBUS_SERVER_OBSERVE_METRICS_H_

#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "server/observe/instruments.h"

namespace eventbus {

// Why an event was not published.
enum class PublishError {
  kInvalid,         // Refused at the door: malformed, bad type, too large.
  kQueueFull,       // The queue in front of the store was full.
  kStoreFull,       // The store had no room.
  kLimit,           // Another limit, such as the number of types.
  kDraining,        // The daemon is shutting down.
  kNotStored,       // The store failed; the event was certainly not stored.
  kOutcomeUnknown,  // The store failed; the event may have been stored.
  kInternal,
  kCount,
};

enum class SubscriberKind {
  kGroup,    // Subscribe as a member of a group.
  kTail,     // Subscribe as a tail.
  kReceive,  // Receive, group or tail.
  kCount,
};

// What may lose confirmed events in the Redis that is the store.
enum class RedisRisk {
  kEviction,          // A maxmemory-policy other than noeviction.
  kNoAppendOnlyFile,  // appendonly no.
  kCount,
};

// Why an event left the store.
enum class DropReason {
  kTtl,        // retention.ttl
  kMaxBytes,   // retention.max_bytes of its stream
  kMaxEvents,  // retention.max_events of its stream
  kSettled,    // retention.discard: settled
  kMemory,     // store.memory.max_bytes or store.memory.max_events, over all streams
  kPurged,     // By an operator.
  kCount,
};

// Calls of one RPC method, by gRPC status code. Any thread.
class RpcMetrics {
 public:
  static constexpr std::size_t kCodes = 17;  // gRPC's codes, OK (0) to UNAUTHENTICATED (16).

  // Counts one call that ended with gRPC status code `code`; what is out of range is UNKNOWN.
  void Finished(int code);
  const Counter& finished(std::size_t code) const { return finished_[code]; }

 private:
  std::array<Counter, kCodes> finished_;
};

// Owned by the composition root and outlives every part. Any thread may use any member.
class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Publishing. Events and bytes count once they are stored and confirmed.
  Counter published_events;
  Counter published_bytes;
  PerLabel<Counter, PublishError> publish_errors;  // In events.
  Counter publish_duplicates;                      // Recognised and not stored again.
  Counter delayed_moved_events;                    // Delayed, were due, are in their streams now.
  Counter expired_events;                          // Dropped undelivered, once per group.
  Gauge delayed_events;                            // Waiting for their time, on all instances.
  Histogram publish_latency;                       // Request received to answer handed to gRPC.
  Gauge publish_queue_events;                      // Waiting in front of the store.
  Gauge publish_queue_bytes;

  // Delivering. Counted for groups and tails alike.
  Counter delivered_events;
  Counter delivered_bytes;
  Counter acked_events;
  Counter released_events;
  Counter filtered_events;
  Counter nacked_events;
  Counter deadline_passed_events;  // Not settled before the ack deadline.
  Counter rejected_events;
  Counter dead_letters;          // Events that became one.
  Counter dropped_dead_letters;  // By the letters' own retention.
  Counter given_up_events;       // Failed too often in a group that keeps no dead letters.
  Gauge retrying_events;         // Waiting here for their retries.
  Counter unknown_settles;       // Of deliveries that are not (or no longer) in flight.
  Gauge in_flight_events;
  Gauge in_flight_bytes;
  Gauge unread_events;
  Gauge stalled_groups;  // Could deliver, and do not.
  PerLabel<Gauge, SubscriberKind> subscribers;

  // What there is.
  Gauge groups;
  Gauge streams;
  Gauge stored_events;
  Gauge stored_bytes;
  Gauge store_up;  // 1 if the store answers, else 0.
  PerLabel<Counter, DropReason> dropped_events;
  PerLabel<Gauge, RedisRisk> redis_risks;
  Counter lost_unsettled_events;  // Dropped before a group had settled them, once per group.

  // The loop.
  Histogram loop_turn;  // How long one turn's work took.
  Histogram loop_lag;   // How late a posted task or timer ran.

  // Instruments of one RPC method, e.g. "eventbus.v1.EventBus/Publish"; made on first use. The
  // reference stays valid as long as this object: look it up once, when the handler is built.
  RpcMetrics& Rpc(absl::string_view method);

  // All metrics, process and build information included, in Prometheus' text format 0.0.4.
  std::string TextFormat() const;

 private:
  friend class MetricFamilies;

  mutable std::mutex rpc_mutex_;  // Guards the map, not the counters in it.
  std::map<std::string, RpcMetrics> rpc_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_OBSERVE_METRICS_H_
