#ifndef EVENTBUS_SERVER_BROKER_ATTRIBUTE_FILTER_H_
#define EVENTBUS_SERVER_BROKER_ATTRIBUTE_FILTER_H_

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eventbus {

// How one attribute must be. An event without the attribute does not meet it.
struct AttributeCondition {
  enum class Match { kExact, kPrefix, kSuffix };

  // `id`, `source`, `type`, or the name of an attribute, whose value is compared as text, as
  // CloudEvents writes it: booleans as `true` and `false`, numbers in decimal, bytes in base64,
  // times as in RFC 3339 (UTC, with as many groups of three fractional digits as needed).
  std::string attribute;
  Match match = Match::kExact;
  std::string value;

  friend bool operator==(const AttributeCondition&, const AttributeCondition&) = default;
  friend auto operator<=>(const AttributeCondition&, const AttributeCondition&) = default;
};

// Which events somebody wants, by their attributes. Pure; any thread.
struct AttributeFilter {
  static constexpr size_t kMaxConditions = 32;

  // All must be met. Empty: every event.
  std::vector<AttributeCondition> conditions;

  bool empty() const { return conditions.empty(); }
  // `event` is the encoding of one eventbus.v1.Event. Data is not looked at. What is malformed does
  // not match. REQUIRES: not more than kMaxConditions.
  bool Matches(absl::string_view event) const;
  // For people: `[source prefix "/eu/", subject exact "17"]`.
  std::string ToString() const;

  // The order of conditions has no meaning.
  friend bool operator==(const AttributeFilter& a, const AttributeFilter& b);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_ATTRIBUTE_FILTER_H_
