#include "tests/simulation/wanted.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "tests/simulation/event_frames.h"

namespace eventbus::simulation {
namespace {

// Of the attributes that events of the simulation have. Empty: it has none.
std::string ValueOf(const std::string& attribute, const SentEvent& event) {
  if (attribute == "id") return event.id;
  if (attribute == "type") return event.type;
  return attribute == "source" ? KeyOf(event.data) : "";
}

bool Meets(const AttributeCondition& condition, const SentEvent& event) {
  const std::string value = ValueOf(condition.attribute, event);
  if (value.empty()) return false;
  switch (condition.match) {
    case AttributeCondition::Match::kExact:
      return value == condition.value;
    case AttributeCondition::Match::kPrefix:
      return absl::StartsWith(value, condition.value);
    case AttributeCondition::Match::kSuffix:
      return absl::EndsWith(value, condition.value);
  }
  return false;
}

}  // namespace

bool Wants(const AttributeFilter& filter, const SentEvent& event) {
  return std::all_of(
      filter.conditions.begin(), filter.conditions.end(),
      [&event](const AttributeCondition& condition) { return Meets(condition, event); });
}

}  // namespace eventbus::simulation
