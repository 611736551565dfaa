// Instances: heartbeats, leaving, being forgotten.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

using Instances = std::map<std::string, InstanceRecord>;

// A heartbeat's call, for Await.
auto Beat(StreamStore& store, std::string incarnation, std::string report) {
  return [&store, incarnation = std::move(incarnation), report = std::move(report)](auto done) {
    store.Heartbeat({incarnation, report}, std::move(done));
  };
}

Instances ByName(const absl::StatusOr<HeartbeatResult>& result) {
  EXPECT_TRUE(result.ok()) << result.status();
  Instances instances;
  if (!result.ok()) return instances;
  for (const InstanceRecord& record : result->instances) instances[record.incarnation] = record;
  return instances;
}

TEST_P(StoreConformanceTest, AHeartbeatRaisesItsOwnCounterAndAnswersWithAllInstances) {
  using Answer = HeartbeatResult;
  const Instances alone = ByName(Await<Answer>(Beat(*a_, "a", "first")));
  ASSERT_THAT(alone, ElementsAre(Key("a")));
  EXPECT_EQ(alone.at("a").report, "first");
  EXPECT_FALSE(alone.at("a").left);
  const Instances two = ByName(Await<Answer>(Beat(*b_, "b", "of b")));
  ASSERT_THAT(two, ElementsAre(Key("a"), Key("b")));
  EXPECT_EQ(two.at("a").counter, alone.at("a").counter);
  const Instances again = ByName(Await<Answer>(Beat(*a_, "a", "second")));
  ASSERT_THAT(again, ElementsAre(Key("a"), Key("b")));
  EXPECT_EQ(again.at("a").counter, alone.at("a").counter + 1);
  EXPECT_EQ(again.at("a").report, "second");
  EXPECT_EQ(again.at("b").counter, two.at("b").counter);
}

TEST_P(StoreConformanceTest, WhoLeavesIsMarkedUntilItIsForgotten) {
  using Answer = HeartbeatResult;
  ByName(Await<Answer>(Beat(*a_, "a", "")));
  ByName(Await<Answer>(Beat(*b_, "b", "")));
  ASSERT_TRUE(AwaitStatus([&](auto done) { a_->Leave("a", std::move(done)); }).ok());
  const Instances after = ByName(Await<Answer>(Beat(*b_, "b", "")));
  ASSERT_THAT(after, ElementsAre(Key("a"), Key("b")));
  EXPECT_TRUE(after.at("a").left);
  EXPECT_FALSE(after.at("b").left);
  ASSERT_TRUE(AwaitStatus([&](auto done) { b_->ForgetInstance("a", std::move(done)); }).ok());
  EXPECT_THAT(ByName(Await<Answer>(Beat(*b_, "b", ""))), ElementsAre(Key("b")));
}

TEST_P(StoreConformanceTest, LeavingAndForgettingWhoIsUnknownIsHarmless) {
  EXPECT_TRUE(AwaitStatus([&](auto done) { a_->Leave("nobody", std::move(done)); }).ok());
  EXPECT_TRUE(AwaitStatus([&](auto done) { a_->ForgetInstance("nobody", std::move(done)); }).ok());
  EXPECT_THAT(ByName(Await<HeartbeatResult>(Beat(*a_, "a", ""))), ElementsAre(Key("a")));
}

}  // namespace
}  // namespace eventbus
