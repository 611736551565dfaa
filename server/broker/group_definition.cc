#include "server/broker/group_definition.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

namespace eventbus {
namespace {

using Json = nlohmann::json;

Json DurationJson(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return nullptr;
  return absl::ToInt64Milliseconds(duration);
}

absl::Duration DurationFromJson(const Json& json) {
  if (json.is_null()) return absl::InfiniteDuration();
  return absl::Milliseconds(json.get<int64_t>());
}

// 0: not paused. Null: until it is resumed.
Json PausedJson(absl::Time until) {
  if (until == absl::InfiniteFuture()) return nullptr;
  return until == absl::InfinitePast() ? int64_t{0} : absl::ToUnixMillis(until);
}

absl::Time PausedFromJson(const Json& json) {
  if (json.is_null()) return absl::InfiniteFuture();
  const auto ms = json.get<int64_t>();
  return ms == 0 ? absl::InfinitePast() : absl::FromUnixMillis(ms);
}

Json StartJson(const StartPosition& start) {
  if (std::holds_alternative<StartEarliest>(start)) return {{"at", "earliest"}};
  if (const auto* at = std::get_if<StartAtTime>(&start)) {
    return {{"at", "time"}, {"time_ms", absl::ToUnixMillis(at->time)}};
  }
  if (const auto* after = std::get_if<StartAfterPositions>(&start)) {
    Json json = {{"at", "after"}, {"positions", Json::object()}};
    for (const auto& [stream, position] : after->positions) {
      json["positions"][stream] = position.ToString();
    }
    if (after->others_from.has_value()) {
      json["others_from_ms"] = absl::ToUnixMillis(*after->others_from);
    }
    return json;
  }
  return {{"at", "latest"}};
}

StartPosition StartFromJson(const Json& json) {
  const std::string at = json.value("at", "latest");
  if (at == "earliest") return StartEarliest{};
  if (at == "time") return StartAtTime{absl::FromUnixMillis(json.at("time_ms").get<int64_t>())};
  if (at == "after") {
    StartAfterPositions after;
    for (const auto& [stream, text] : json.at("positions").items()) {
      const auto position = Position::Parse(text.get<std::string>());
      if (position.ok()) after.positions[stream] = *position;
    }
    if (json.contains("others_from_ms")) {
      after.others_from = absl::FromUnixMillis(json["others_from_ms"].get<int64_t>());
    }
    return after;
  }
  return StartLatest{};
}

// As it is said in the contract: `{"attribute": "source", "prefix": "/eu/"}`.
constexpr std::pair<AttributeCondition::Match, const char*> kMatchNames[] = {
    {AttributeCondition::Match::kExact, "exact"},
    {AttributeCondition::Match::kPrefix, "prefix"},
    {AttributeCondition::Match::kSuffix, "suffix"},
};

Json FilterJson(const AttributeFilter& filter) {
  Json json = Json::array();
  for (const AttributeCondition& condition : filter.conditions) {
    Json one = {{"attribute", condition.attribute}};
    for (const auto& [match, name] : kMatchNames) {
      if (condition.match == match) one[name] = condition.value;
    }
    json.push_back(std::move(one));
  }
  return json;
}

// Throws for a condition that it does not know: without it, the group would get more than it wants.
AttributeFilter FilterFromJson(const Json& json) {
  AttributeFilter filter;
  for (const Json& one : json) {
    AttributeCondition condition;
    condition.attribute = one.at("attribute").get<std::string>();
    const char* named = kMatchNames[0].second;
    for (const auto& [match, name] : kMatchNames) {
      if (!one.contains(name)) continue;
      condition.match = match;
      named = name;
    }
    condition.value = one.at(named).get<std::string>();
    filter.conditions.push_back(std::move(condition));
  }
  return filter;
}

EntryId BeforeTime(absl::Time time) {
  const int64_t ms = absl::ToUnixMillis(time);
  return EntryId{ms > 0 ? static_cast<uint64_t>(ms) : 0, 0}.Previous();
}

// Calls `visit(name, requested, stored)` for each field that `change` sets. The single list of
// policy fields that can be changed.
template <typename Visit>
void VisitFields(const GroupPolicyChange& change, GroupPolicy& policy, Visit visit) {
  const auto field = [&visit](absl::string_view name, const auto& requested, auto& stored) {
    if (requested.has_value()) visit(name, *requested, stored);
  };
  field("ordered", change.ordered, policy.ordered);
  field("max_retries", change.max_retries, policy.max_retries);
  field("retry_delay", change.retry_delay, policy.retry_delay);
  field("retry_multiplier", change.retry_multiplier, policy.retry_multiplier);
  field("retry_jitter", change.retry_jitter, policy.retry_jitter);
  field("max_retry_delay", change.max_retry_delay, policy.max_retry_delay);
  field("retry_delays", change.retry_delays, policy.retry_delays);
  field("ack_deadline", change.ack_deadline, policy.ack_deadline);
  field("dead_letter", change.dead_letter, policy.dead_letter);
  field("max_crashes", change.max_crashes, policy.max_crashes);
  field("inactive_expiry", change.inactive_expiry, policy.inactive_expiry);
  field("filter", change.filter, policy.filter);
}

std::string Text(bool value) { return value ? "true" : "false"; }
std::string Text(uint32_t value) { return absl::StrCat(value); }
std::string Text(double value) { return absl::StrCat(value); }
std::string Text(absl::Duration value) { return absl::FormatDuration(value); }
std::string Text(const AttributeFilter& value) { return value.ToString(); }
std::string Text(const std::vector<absl::Duration>& values) {
  return absl::StrCat("[",
                      absl::StrJoin(values, ", ",
                                    [](std::string* out, absl::Duration value) {
                                      absl::StrAppend(out, absl::FormatDuration(value));
                                    }),
                      "]");
}

}  // namespace

StreamStart StartIn(const StartPosition& start, absl::string_view stream) {
  if (std::holds_alternative<StartEarliest>(start)) return {EntryId::Min(), {}};
  if (const auto* at = std::get_if<StartAtTime>(&start)) return {BeforeTime(at->time), {}};
  if (const auto* after = std::get_if<StartAfterPositions>(&start)) {
    const auto position = after->positions.find(std::string(stream));
    // The entry itself is read again: more of its events may follow the one already seen.
    if (position != after->positions.end()) {
      return {position->second.entry.Previous(), position->second};
    }
    return {after->others_from.has_value() ? BeforeTime(*after->others_from) : EntryId::Min(), {}};
  }
  return {};
}

GroupPolicy Apply(const GroupPolicyChange& change, GroupPolicy base) {
  VisitFields(change, base,
              [](absl::string_view, const auto& requested, auto& stored) { stored = requested; });
  return base;
}

std::optional<PolicyDifference> FirstDifference(const GroupPolicyChange& change,
                                                const GroupPolicy& stored) {
  std::optional<PolicyDifference> difference;
  GroupPolicy copy = stored;
  VisitFields(change, copy,
              [&difference](absl::string_view name, const auto& requested, const auto& kept) {
                if (difference.has_value() || requested == kept) return;
                difference = PolicyDifference{std::string(name), Text(kept), Text(requested)};
              });
  return difference;
}

std::string ToJson(const GroupDefinition& definition) {
  const GroupPolicy& policy = definition.policy;
  Json delays = Json::array();
  for (const absl::Duration delay : policy.retry_delays) delays.push_back(DurationJson(delay));
  const Json json = {{"patterns", definition.patterns},
                     {"ephemeral", definition.ephemeral},
                     {"revision", definition.revision},
                     {"start", StartJson(definition.start)},
                     {"created_ms", absl::ToUnixMillis(definition.created)},
                     {"updated_ms", absl::ToUnixMillis(definition.updated)},
                     {"start_stamp", definition.start_stamp},
                     {"generations", definition.generations},
                     {"last_generation", definition.last_generation},
                     {"paused_until_ms", PausedJson(definition.paused_until)},
                     {"redriven_streams", definition.redriven_streams},
                     {"policy",
                      {{"ordered", policy.ordered},
                       {"max_retries", policy.max_retries},
                       {"retry_delay_ms", DurationJson(policy.retry_delay)},
                       {"retry_multiplier", policy.retry_multiplier},
                       {"retry_jitter", policy.retry_jitter},
                       {"max_retry_delay_ms", DurationJson(policy.max_retry_delay)},
                       {"retry_delays_ms", delays},
                       {"ack_deadline_ms", DurationJson(policy.ack_deadline)},
                       {"dead_letter", policy.dead_letter},
                       {"max_crashes", policy.max_crashes},
                       {"inactive_expiry_ms", DurationJson(policy.inactive_expiry)},
                       {"filter", FilterJson(policy.filter)}}}};
  return json.dump();
}

absl::StatusOr<GroupDefinition> GroupDefinitionFromJson(absl::string_view text) {
  // The library reports malformed input by exceptions; they end here.
  try {
    const Json json = Json::parse(text.begin(), text.end());
    GroupDefinition definition;
    definition.patterns = json.at("patterns").get<std::vector<std::string>>();
    definition.ephemeral = json.value("ephemeral", false);
    definition.revision = json.value("revision", uint64_t{0});
    definition.start = StartFromJson(json.value("start", Json::object()));
    definition.created = absl::FromUnixMillis(json.value("created_ms", int64_t{0}));
    definition.updated = absl::FromUnixMillis(json.value("updated_ms", int64_t{0}));
    definition.start_stamp = json.value("start_stamp", uint64_t{0});
    definition.generations = json.value("generations", std::map<std::string, uint64_t>());
    definition.last_generation = json.value("last_generation", uint64_t{0});
    definition.paused_until = PausedFromJson(json.value("paused_until_ms", Json(0)));
    definition.redriven_streams = json.value("redriven_streams", std::vector<std::string>());
    const Json policy = json.value("policy", Json::object());
    GroupPolicy& result = definition.policy;
    result.ordered = policy.value("ordered", result.ordered);
    result.max_retries = policy.value("max_retries", result.max_retries);
    const auto duration = [&policy](const char* name, absl::Duration& value) {
      if (policy.contains(name)) value = DurationFromJson(policy[name]);
    };
    duration("retry_delay_ms", result.retry_delay);
    result.retry_multiplier = policy.value("retry_multiplier", result.retry_multiplier);
    result.retry_jitter = policy.value("retry_jitter", result.retry_jitter);
    duration("max_retry_delay_ms", result.max_retry_delay);
    for (const Json& delay : policy.value("retry_delays_ms", Json::array())) {
      result.retry_delays.push_back(DurationFromJson(delay));
    }
    duration("ack_deadline_ms", result.ack_deadline);
    result.dead_letter = policy.value("dead_letter", result.dead_letter);
    result.max_crashes = policy.value("max_crashes", result.max_crashes);
    duration("inactive_expiry_ms", result.inactive_expiry);
    result.filter = FilterFromJson(policy.value("filter", Json::array()));
    return definition;
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("not a group definition: ", error.what()));
  }
}

}  // namespace eventbus
