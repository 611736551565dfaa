#include "server/broker/group_definition.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(GroupDefinitionTest, ComesBackFromJsonAsItWas) {
  GroupDefinition definition;
  definition.patterns = {"b.*", "a"};
  definition.ephemeral = true;
  definition.revision = 12;
  definition.policy.max_retries = 9;
  definition.policy.retry_delays = {absl::Seconds(1), absl::Minutes(5)};
  definition.policy.ack_deadline = absl::Milliseconds(1500);
  definition.policy.inactive_expiry = absl::Hours(1);
  definition.policy.filter = {{{"source", AttributeCondition::Match::kPrefix, "/eu/"},
                               {"id", AttributeCondition::Match::kSuffix, "7"},
                               {"subject", AttributeCondition::Match::kExact, "x"}}};
  const absl::Time time = absl::FromUnixMillis(1700000000123);
  for (const StartPosition& start :
       {StartPosition(StartLatest{}), StartPosition(StartEarliest{}),
        StartPosition(StartAtTime{time}),
        StartPosition(StartAfterPositions{{{"a", Position{{5, 6}, 7}}}, time})}) {
    definition.start = start;
    const auto decoded = GroupDefinitionFromJson(ToJson(definition));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, definition) << ToJson(definition);
  }
}

TEST(GroupDefinitionTest, IgnoresWhatANewerInstanceAdds) {
  const auto decoded = GroupDefinitionFromJson(R"({"patterns": ["*"], "colour": "red"})");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->policy, GroupPolicy());
}

TEST(GroupDefinitionTest, RefusesWhatIsNoDefinition) {
  for (const char* text : {"", "{", "[]", "{\"patterns\": 5}", "null"}) {
    EXPECT_EQ(GroupDefinitionFromJson(text).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

TEST(GroupDefinitionTest, AFilterIsReadable) {
  GroupDefinition definition;
  definition.policy.filter = {{{"source", AttributeCondition::Match::kPrefix, "/eu/"}}};
  EXPECT_THAT(ToJson(definition),
              testing::HasSubstr(R"("filter":[{"attribute":"source","prefix":"/eu/"}])"));
}

TEST(GroupDefinitionTest, AConditionThatIsNotUnderstoodIsNotIgnored) {
  const auto decoded = GroupDefinitionFromJson(
      R"({"patterns": ["*"], "policy": {"filter": [{"attribute": "id", "regex": "x"}]}})");
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
}

TEST(GroupDefinitionTest, OnlyFieldsThatAreSetAreCompared) {
  GroupPolicyChange change;
  EXPECT_FALSE(FirstDifference(change, GroupPolicy()).has_value());
  change.ack_deadline = absl::Seconds(30);
  EXPECT_FALSE(FirstDifference(change, GroupPolicy()).has_value());
  change.ack_deadline = absl::Seconds(60);
  const auto difference = FirstDifference(change, GroupPolicy());
  ASSERT_TRUE(difference.has_value());
  EXPECT_EQ(difference->field, "ack_deadline");
  EXPECT_EQ(difference->stored, "30s");
  EXPECT_EQ(difference->requested, "1m");
  EXPECT_EQ(Apply(change, GroupPolicy()).ack_deadline, absl::Seconds(60));
}

TEST(GroupDefinitionTest, AStartAfterAPositionReadsItsEntryAgainAndSkips) {
  const StreamStart start = StartIn(StartAfterPositions{{{"a", Position{{5, 6}, 7}}}, {}}, "a");
  EXPECT_EQ(start.after, (EntryId{5, 5}));
  EXPECT_EQ(start.skip, (Position{{5, 6}, 7}));
  EXPECT_EQ(StartIn(StartAfterPositions{}, "b").after, EntryId::Min());
  EXPECT_EQ(StartIn(StartLatest{}, "b").after, std::nullopt);
}

}  // namespace
}  // namespace eventbus
