// Which events a filter lets through.
#include "server/broker/attribute_filter.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/unit/broker/event_bytes.h"

namespace eventbus {
namespace {

using Match = AttributeCondition::Match;

constexpr Match kExact = Match::kExact;
constexpr Match kPrefix = Match::kPrefix;
constexpr Match kSuffix = Match::kSuffix;

std::string BooleanValue(bool value) {
  std::string bytes;
  AppendVarintField(1, value ? 1 : 0, &bytes);
  return bytes;
}

// The data says what the attributes do not: it must not be looked at.
std::string Order() {
  return EventBytes()
      .Attribute("subject", StringValue("order/17"))
      .Id("o-1")
      .Source("/eu/shop")
      .SpecVersion("1.0")
      .Type("order.placed.v1")
      .BinaryData("/us/shop")
      .Attribute("priority", IntegerValue(-5))
      .Attribute("express", BooleanValue(true))
      .Attribute("gift", BooleanValue(false))
      .Attribute("hash", EventBytes().Field(4, "\xff\xfe\xfd\xfc").bytes())
      .Attribute("dataschema", EventBytes().Field(5, "https://x.example/s").bytes())
      .Attribute("back", EventBytes().Field(6, "../up").bytes())
      .Attribute("empty", StringValue(""))
      .Attribute("time", TimestampValue(1'700'000'000, 0))
      .Attribute("seen", TimestampValue(1'700'000'000, 120'000'000))
      .Attribute("old", TimestampValue(-62135596800, 1))
      .bytes();
}

TEST(AttributeFilterTest, OneConditionLooksAtTheTextForm) {
  const struct {
    AttributeCondition condition;
    bool matches;
  } cases[] = {
      {{"id", kExact, "o-1"}, true},
      {{"id", kExact, "o-"}, false},
      {{"id", kExact, "o-11"}, false},
      {{"id", kPrefix, "o-"}, true},
      {{"id", kSuffix, "-1"}, true},
      {{"id", kSuffix, "o-1"}, true},
      {{"id", kSuffix, "xo-1"}, false},
      {{"source", kPrefix, "/eu/"}, true},
      {{"source", kPrefix, "/us/"}, false},
      {{"source", kPrefix, "/EU/"}, false},
      {{"type", kSuffix, ".v1"}, true},
      {{"type", kExact, "order.placed.v1"}, true},
      {{"subject", kExact, "order/17"}, true},
      {{"priority", kExact, "-5"}, true},
      {{"priority", kExact, "5"}, false},
      {{"express", kExact, "true"}, true},
      {{"express", kExact, "1"}, false},
      {{"gift", kExact, "false"}, true},
      {{"hash", kExact, "//79/A=="}, true},
      {{"dataschema", kPrefix, "https://"}, true},
      {{"back", kPrefix, "../"}, true},
      {{"time", kExact, "2023-11-14T22:13:20Z"}, true},
      {{"time", kPrefix, "2023-11-14T"}, true},
      {{"seen", kExact, "2023-11-14T22:13:20.120Z"}, true},
      {{"old", kExact, "0001-01-01T00:00:00.000000001Z"}, true},
      {{"empty", kExact, ""}, true},
      {{"empty", kPrefix, "x"}, false},
      // Has it, whatever it is.
      {{"subject", kPrefix, ""}, true},
      // Has it not.
      {{"absent", kExact, ""}, false},
      {{"absent", kPrefix, ""}, false},
      {{"datacontenttype", kSuffix, ""}, false},
  };
  for (const auto& one : cases) {
    const AttributeFilter filter = {{one.condition}};
    EXPECT_EQ(filter.Matches(Order()), one.matches) << filter.ToString();
  }
}

TEST(AttributeFilterTest, AllConditionsMustHold) {
  AttributeFilter filter = {{{"source", kPrefix, "/eu/"}, {"subject", kSuffix, "17"}}};
  EXPECT_TRUE(filter.Matches(Order()));
  filter.conditions.push_back({"source", kSuffix, "shop"});
  EXPECT_TRUE(filter.Matches(Order()));
  filter.conditions.push_back({"source", kSuffix, "stock"});
  EXPECT_FALSE(filter.Matches(Order()));
}

TEST(AttributeFilterTest, AsManyConditionsAsAllowedAreAllLookedAt) {
  AttributeFilter filter;
  while (filter.conditions.size() < AttributeFilter::kMaxConditions) {
    filter.conditions.push_back({"id", kPrefix, "o"});
  }
  EXPECT_TRUE(filter.Matches(Order()));
  filter.conditions.back().value = "p";
  EXPECT_FALSE(filter.Matches(Order()));
}

TEST(AttributeFilterTest, NoConditionMatchesEverything) {
  EXPECT_TRUE(AttributeFilter().Matches(Order()));
}

TEST(AttributeFilterTest, WhatIsMalformedDoesNotMatch) {
  const AttributeFilter filter = {{{"subject", kPrefix, ""}}};
  const std::string order = Order();
  EXPECT_FALSE(filter.Matches(""));
  EXPECT_FALSE(filter.Matches(order.substr(0, 5)));
  EXPECT_FALSE(filter.Matches(EventBytes().Field(5, "\x0a\x7fsubject").bytes()));
  // However it is cut, nothing is read beyond the end.
  for (size_t size = 0; size < order.size(); ++size) {
    static_cast<void>(filter.Matches(std::string(order, 0, size)));
  }
}

TEST(AttributeFilterTest, TheOrderOfConditionsHasNoMeaning) {
  const AttributeFilter one = {{{"a", kExact, "1"}, {"b", kPrefix, "2"}}};
  const AttributeFilter other = {{{"b", kPrefix, "2"}, {"a", kExact, "1"}, {"a", kExact, "1"}}};
  EXPECT_EQ(one, other);
  EXPECT_FALSE(one == (AttributeFilter{{{"a", kExact, "1"}, {"b", kSuffix, "2"}}}));
  EXPECT_EQ(one.ToString(), R"([a exact "1", b prefix "2"])");
}

}  // namespace
}  // namespace eventbus
