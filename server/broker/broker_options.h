#ifndef EVENTBUS_SERVER_BROKER_BROKER_OPTIONS_H_
#define EVENTBUS_SERVER_BROKER_BROKER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/broker/group_definition.h"
#include "server/broker/subscription.h"
#include "server/store/stream_store.h"

namespace eventbus {

// What a stream does without before its ttl is over.
enum class Discard {
  kExpired,  // Nothing: it can be replayed.
  kSettled,  // What every group that matches is done with. Without such a group: nothing.
};

// What happens at max_bytes or max_events.
enum class WhenStreamFull { kDropOldest, kRefuse };

// How a stream keeps its events.
struct StreamPolicy {
  // Infinite: for ever.
  absl::Duration ttl = absl::Hours(24);
  // Past these the oldest entries are dropped, or publishes refused. 0: no bound.
  uint64_t max_bytes = 0;
  uint64_t max_events = 0;
  WhenStreamFull when_full = WhenStreamFull::kDropOldest;
  Discard discard = Discard::kExpired;
  // Events that share an entry at most.
  uint32_t max_events_per_entry = 100;
  // For how long an event that is published again is recognised. 0: not at all.
  absl::Duration duplicate_window;
};

// What is different for the streams that `pattern` matches. What is unset falls through to the next
// rule that matches, then to the default.
struct StreamPolicyRule {
  std::string pattern;
  std::optional<absl::Duration> ttl;
  std::optional<uint64_t> max_bytes;
  std::optional<uint64_t> max_events;
  std::optional<WhenStreamFull> when_full;
  std::optional<Discard> discard;
  std::optional<uint32_t> max_events_per_entry;
  std::optional<absl::Duration> duplicate_window;
};

// What the broker is told by its configuration.
struct BrokerOptions {
  // Names this run of this instance among all that share the store; must differ with each start.
  std::string incarnation;
  // For operators: the host it runs on, the address it listens on, its version.
  std::string host;
  std::string address;
  std::string version;
  // For random decisions; in tests, the history's seed.
  uint64_t seed = 0;
  // A source that is filled in by the door, and no ordering key.
  std::string default_source = "eventbus";

  uint64_t max_types = 100'000;
  uint64_t max_groups = 10'000;
  uint64_t max_subscribers = 100'000;
  // How long a session outlives a broken call.
  absl::Duration resume_window = absl::Seconds(10);
  // When a group that could deliver and does not counts as stalled.
  absl::Duration stalled_after = absl::Minutes(1);

  // What may wait for the store.
  uint64_t publish_queue_events = 1'000'000;
  uint64_t publish_queue_bytes = uint64_t{64} << 20;

  // How much of a stream's recent traffic shares an entry. Simulations of quiet streams raise it.
  absl::Duration entry_time = absl::Milliseconds(10);
  // With so many appends under way here a store that is near is busy enough: of a stream, what is
  // small then waits for the append before it, and for what comes meanwhile. Simulations lower it.
  uint32_t busy_appends = 64;
  // With so many commands at once on a stream, more are gathered for an append. Simulations lower
  // it.
  uint32_t gathered_commands = 8;
  // An entry with several events stays below this.
  uint64_t max_entry_bytes = uint64_t{256} << 10;

  // How long dead letters are kept, and how many of each group and stream.
  LetterBounds letter_bounds{absl::Hours(14 * 24), 100'000};
  // Values of events that wait for their retries and are kept in memory meanwhile; the others are
  // read again.
  uint64_t waiting_value_bytes = uint64_t{32} << 20;
  // With so many events of one group waiting for their retries here, no new ones are taken.
  uint64_t max_waiting_events = 1'000'000;
  // With so many events of one stream of an ordered group behind others of their keys, no new ones
  // are taken.
  uint64_t max_key_lines_events = 10'000;

  // Of new groups.
  GroupPolicy default_policy;
  absl::Duration ephemeral_expiry = absl::Minutes(5);

  StreamPolicy stream_policy;
  std::vector<StreamPolicyRule> stream_policy_rules;
  absl::Duration retention_interval = absl::Seconds(5);

  // A heartbeat this often; an instance whose counter has not moved for `dead_after` on our clock
  // is dead.
  absl::Duration heartbeat_interval = absl::Seconds(1);
  absl::Duration dead_after = absl::Seconds(10);
  // Tells the other instances how it fares, for operators, this often.
  absl::Duration stats_interval = absl::Seconds(5);
  // Looks for what was missed, such as lost wake-ups, this often.
  absl::Duration sweep_interval = absl::Seconds(5);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_BROKER_OPTIONS_H_
