// The daemon's settings as plain values. The rest of the server sees this struct and nothing else
// of configuration; registry.cc says what each setting is called, means and may be.
//
// A default-constructed Config holds the defaults and is valid, so tests start from `Config{}`.
// Read at start, then never written: any thread may read it.
#ifndef EVENTBUS_SERVER_CONFIG_CONFIG_H_
#define EVENTBUS_SERVER_CONFIG_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/observe/logging_options.h"

namespace eventbus {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

struct ListenConfig {
  std::string address = "127.0.0.1:9463";  // host:port for gRPC; port 0 takes a free one.
};

struct MetricsConfig {
  std::string address = "127.0.0.1:9464";  // host:port for HTTP; empty: no endpoint.
};

enum class StoreKind { kMemory, kRedis };

struct MemoryStoreConfig {
  std::uint64_t max_bytes = kGiB;
  std::uint64_t max_events = 10'000'000;
};

struct RedisStoreConfig {
  std::string url;
  std::string prefix = "eventbus";            // The namespace of all keys.
  bool allow_eviction = false;                // Serve also where Redis may evict streams.
  absl::Duration timeout = absl::Seconds(5);  // For an answer, before the connection is given up.
  std::uint64_t min_replicas = 0;             // That must have what is confirmed.
  absl::Duration replica_timeout = absl::Seconds(1);
  std::string ca_file;    // Of rediss://. Empty: the system's certificate authorities.
  std::string cert_file;  // Our own certificate and its key; both or none.
  std::string key_file;
};

struct StoreConfig {
  StoreKind kind = StoreKind::kMemory;
  MemoryStoreConfig memory;
  RedisStoreConfig redis;
};

struct PublishConfig {
  std::string default_source = "eventbus";  // `source` of events that come without one.
  std::uint64_t queue_events = 1'000'000;   // In front of the store.
  std::uint64_t queue_bytes = 64 * kMiB;
  std::uint64_t stream_window_messages = 32;  // Unanswered, per PublishStream.
  std::uint64_t stream_window_bytes = 8 * kMiB;
};

// Flow limits of a subscriber that asks for none, and the life of ephemeral groups.
struct DeliveryConfig {
  std::uint64_t max_in_flight = 1'000;
  std::uint64_t max_in_flight_bytes = 16 * kMiB;
  absl::Duration inactive_expiry = absl::Minutes(5);
  absl::Duration resume_window = absl::Seconds(10);
  absl::Duration stalled_after = absl::Minutes(1);
};

// What happens to a publish when its stream is at max_bytes or max_events.
enum class WhenFull {
  kDropOldest,  // The oldest events make room.
  kRefuse,      // RESOURCE_EXHAUSTED.
};

// What a stream does without before its ttl is over.
enum class DiscardWhat {
  kExpired,  // Nothing.
  kSettled,  // What every group that matches is done with.
};

// What differs for the types that `pattern` matches. What a rule leaves unset falls through to the
// next rule that matches, and last to RetentionConfig and LimitsConfig.
struct RetentionRuleConfig {
  std::string pattern;
  std::optional<absl::Duration> ttl;
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::uint64_t> max_events;
  std::optional<WhenFull> when_full;
  std::optional<DiscardWhat> discard;
  std::optional<std::uint64_t> max_events_per_entry;
  std::optional<absl::Duration> duplicate_window;
};

struct RetentionConfig {
  absl::Duration ttl = absl::Hours(24);  // InfiniteDuration: kept for ever.
  std::uint64_t max_bytes = 0;           // Per stream; 0: no bound.
  std::uint64_t max_events = 0;          // Per stream; 0: no bound.
  WhenFull when_full = WhenFull::kDropOldest;
  DiscardWhat discard = DiscardWhat::kExpired;
  absl::Duration duplicate_window;  // 0: what is published again is not recognised.
  std::vector<RetentionRuleConfig> rules;
};

struct HeartbeatConfig {
  absl::Duration interval = absl::Seconds(15);
};

// How long dead letters are kept: of each group and stream.
struct DeadLettersConfig {
  absl::Duration ttl = absl::Hours(14 * 24);
  std::uint64_t max_letters = 100'000;
};

// How instances on one store notice that one of them is gone.
struct InstancesConfig {
  absl::Duration heartbeat_interval = absl::Seconds(1);
  absl::Duration dead_after = absl::Seconds(10);
};

struct DrainConfig {
  absl::Duration timeout = absl::Seconds(20);
};

struct LimitsConfig {
  std::uint64_t max_event_bytes = kMiB;
  std::uint64_t max_batch_events = 1'000;
  std::uint64_t max_batch_bytes = 3 * kMiB;
  std::uint64_t max_events_per_entry = 100;
  std::uint64_t max_retrying = 1'000'000;
  std::uint64_t max_entry_bytes = 256 * kKiB;  // A larger event has an entry to itself.
  std::uint64_t max_types = 100'000;
  std::uint64_t max_groups = 10'000;
  std::uint64_t max_subscribers = 100'000;
  std::uint64_t max_in_flight = 100'000;  // The most a subscriber may ask for.
  std::uint64_t max_in_flight_bytes = 256 * kMiB;
};

struct Config {
  ListenConfig listen;
  bool insecure = false;
  MetricsConfig metrics;
  StoreConfig store;
  PublishConfig publish;
  DeliveryConfig delivery;
  RetentionConfig retention;
  DeadLettersConfig dead_letters;
  HeartbeatConfig heartbeat;
  InstancesConfig instances;
  DrainConfig drain;
  LimitsConfig limits;
  LoggingOptions logging;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_CONFIG_CONFIG_H_
