#ifndef EVENTBUS_SERVER_BROKER_GROUP_DEFINITION_H_
#define EVENTBUS_SERVER_BROKER_GROUP_DEFINITION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/attribute_filter.h"
#include "server/store/entry.h"

namespace eventbus {

// Where to begin in each matching stream.
struct StartLatest {
  friend bool operator==(const StartLatest&, const StartLatest&) = default;
};
struct StartEarliest {
  friend bool operator==(const StartEarliest&, const StartEarliest&) = default;
};
struct StartAtTime {
  absl::Time time;
  friend bool operator==(const StartAtTime&, const StartAtTime&) = default;
};
struct StartAfterPositions {
  // By stream: the last event already seen.
  std::map<std::string, Position> positions;
  // For the other streams; nullopt: earliest.
  std::optional<absl::Time> others_from;
  friend bool operator==(const StartAfterPositions&, const StartAfterPositions&) = default;
};
using StartPosition = std::variant<StartLatest, StartEarliest, StartAtTime, StartAfterPositions>;

// Where a start lies in one stream.
struct StreamStart {
  // Read what comes after this entry; nullopt: what is appended from now on.
  std::optional<EntryId> after;
  // In the entry `skip->entry` (the first one read), events up to and including `skip->index` are
  // skipped.
  std::optional<Position> skip;
};
StreamStart StartIn(const StartPosition& start, absl::string_view stream);

// How a group delivers; meaning, units and ranges as in eventbus.v1.GroupPolicy.
struct GroupPolicy {
  bool ordered = false;
  uint32_t max_retries = 3;
  absl::Duration retry_delay = absl::Seconds(1);
  double retry_multiplier = 2;
  double retry_jitter = 0.1;
  absl::Duration max_retry_delay = absl::Minutes(1);
  std::vector<absl::Duration> retry_delays;
  absl::Duration ack_deadline = absl::Seconds(30);
  bool dead_letter = true;
  uint32_t max_crashes = 0;
  // Infinite: never.
  absl::Duration inactive_expiry = absl::InfiniteDuration();
  // Events that do not match count as settled. Empty: all match.
  AttributeFilter filter;

  friend bool operator==(const GroupPolicy&, const GroupPolicy&) = default;
};

// Fields that a request sets; the others keep what is stored, or the default.
struct GroupPolicyChange {
  std::optional<bool> ordered;
  std::optional<uint32_t> max_retries;
  std::optional<absl::Duration> retry_delay;
  std::optional<double> retry_multiplier;
  std::optional<double> retry_jitter;
  std::optional<absl::Duration> max_retry_delay;
  std::optional<std::vector<absl::Duration>> retry_delays;
  std::optional<absl::Duration> ack_deadline;
  std::optional<bool> dead_letter;
  std::optional<uint32_t> max_crashes;
  std::optional<absl::Duration> inactive_expiry;
  std::optional<AttributeFilter> filter;
};

// `base` with the fields that `change` sets.
GroupPolicy Apply(const GroupPolicyChange& change, GroupPolicy base);
// A field of the policy whose stored value is not the requested one, both as text.
struct PolicyDifference {
  std::string field;
  std::string stored;
  std::string requested;
};
// The first field that `change` sets to something else than `stored` has.
std::optional<PolicyDifference> FirstDifference(const GroupPolicyChange& change,
                                                const GroupPolicy& stored);

// All that the registry keeps about a group, as readable JSON.
struct GroupDefinition {
  // In the order given, without repeats.
  std::vector<std::string> patterns;
  bool ephemeral = false;
  GroupPolicy policy;
  uint64_t revision = 0;
  // Where it started, or was sought to, for the streams that were there then: those with stamps up
  // to `start_stamp` (0: up to the group's own). Younger ones it has from their first event.
  StartPosition start = StartLatest{};
  uint64_t start_stamp = 0;
  // Streams that have been sought apart from the others, with the generation of the group there.
  std::map<std::string, uint64_t> generations;
  // The highest generation that was ever given away, once there has been a seek.
  uint64_t last_generation = 0;
  // By the store's clock; the epoch: unknown.
  absl::Time created = absl::UnixEpoch();
  absl::Time updated = absl::UnixEpoch();
  // Delivers nothing before this, by the store's clock. Infinite future: until it is resumed.
  absl::Time paused_until = absl::InfinitePast();
  // Streams whose dead letters have been redriven: their side streams are the group's too. Sorted.
  std::vector<std::string> redriven_streams;

  friend bool operator==(const GroupDefinition&, const GroupDefinition&) = default;
};

std::string ToJson(const GroupDefinition& definition);
// Unknown members are ignored, for a newer instance may have written them. DATA_LOSS if it is no
// definition.
absl::StatusOr<GroupDefinition> GroupDefinitionFromJson(absl::string_view json);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_DEFINITION_H_
