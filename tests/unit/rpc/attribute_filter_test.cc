#include "server/rpc/attribute_filter.h"

#include <functional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

using Match = AttributeCondition::Match;

v1::AttributeFilter Filter() {
  v1::AttributeFilter filter;
  v1::AttributeCondition& source = *filter.add_conditions();
  source.set_attribute("source");
  source.set_prefix("/eu/");
  v1::AttributeCondition& subject = *filter.add_conditions();
  subject.set_attribute("subject");
  subject.set_exact("17");
  v1::AttributeCondition& type = *filter.add_conditions();
  type.set_attribute("type");
  type.set_suffix("");
  return filter;
}

TEST(ReadAttributeFilterTest, ComesBackAsItWas) {
  const auto filter = ReadAttributeFilter("f", Filter());
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_EQ(filter->conditions, (std::vector<AttributeCondition>{{"source", Match::kPrefix, "/eu/"},
                                                                 {"subject", Match::kExact, "17"},
                                                                 {"type", Match::kSuffix, ""}}));
  EXPECT_EQ(WriteAttributeFilter(*filter).SerializeAsString(), Filter().SerializeAsString());
}

TEST(ReadAttributeFilterTest, BadFieldsAreNamed) {
  const std::pair<std::string, std::function<void(v1::AttributeFilter&)>> cases[] = {
      {"f.conditions", [](auto& filter) { filter.clear_conditions(); }},
      {"f.conditions",
       [](auto& filter) {
         for (int i = 0; i < 30; ++i) *filter.add_conditions() = filter.conditions(0);
       }},
      {"f.conditions[1].attribute",
       [](auto& filter) { filter.mutable_conditions(1)->clear_attribute(); }},
      {"f.conditions[1].attribute",
       [](auto& filter) { filter.mutable_conditions(1)->set_attribute("Subject"); }},
      {"f.conditions[1].attribute",
       [](auto& filter) { filter.mutable_conditions(1)->set_attribute(std::string(65, 'a')); }},
      {"f.conditions[0].attribute",
       [](auto& filter) { filter.mutable_conditions(0)->set_attribute("data"); }},
      {"f.conditions[0].attribute",
       [](auto& filter) { filter.mutable_conditions(0)->set_attribute("specversion"); }},
      {"f.conditions[2].match", [](auto& filter) { filter.mutable_conditions(2)->clear_match(); }},
      {"f.conditions[2].suffix",
       [](auto& filter) { filter.mutable_conditions(2)->set_suffix(std::string(1025, 'x')); }},
  };
  for (const auto& [field, spoil] : cases) {
    v1::AttributeFilter filter = Filter();
    spoil(filter);
    const absl::Status status = ReadAttributeFilter("f", filter).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(FieldOf(status), field);
  }
}

}  // namespace
}  // namespace eventbus
