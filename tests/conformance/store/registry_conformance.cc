// The registry: types, groups, and the stamps that say which was first.

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kPlenty = 1000;

// Calls for Await.
auto RegisterType(StreamStore& store, std::string stream, uint64_t max = kPlenty) {
  return [&store, stream = std::move(stream), max](auto done) mutable {
    store.RegisterType(std::move(stream), max, std::move(done));
  };
}

auto RegisterGroup(StreamStore& store, std::string name, std::string definition,
                   uint64_t max = kPlenty) {
  return
      [&store, name = std::move(name), definition = std::move(definition), max](auto done) mutable {
        store.RegisterGroup(std::move(name), std::move(definition), max, std::move(done));
      };
}

std::vector<std::string> Names(const std::vector<TypeRecord>& types) {
  std::vector<std::string> names;
  for (const TypeRecord& type : types) names.push_back(type.stream);
  return names;
}

std::vector<std::string> Names(const std::vector<GroupRecord>& groups) {
  std::vector<std::string> names;
  for (const GroupRecord& group : groups) names.push_back(group.name);
  return names;
}

TEST_P(StoreConformanceTest, ATypeIsCreatedOnceAndKeepsItsStamp) {
  const auto first = Await<TypeRegistration>(RegisterType(*a_, "a.b"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->created);
  EXPECT_EQ(first->type.stream, "a.b");
  EXPECT_GT(first->type.stamp, 0u);
  EXPECT_THAT(first->groups, IsEmpty());
  const auto second = Await<TypeRegistration>(RegisterType(*b_, "a.b"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->created);
  EXPECT_EQ(second->type.stamp, first->type.stamp);
}

TEST_P(StoreConformanceTest, RegisteringATypeAnswersWithAllGroupsAndAGroupWithAllTypes) {
  ASSERT_TRUE(Await<TypeRegistration>(RegisterType(*a_, "a.b")).ok());
  const auto group = Await<GroupRegistration>(RegisterGroup(*a_, "g", "{}"));
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_THAT(Names(group->types), ElementsAre("a.b"));
  ASSERT_TRUE(Await<GroupRegistration>(RegisterGroup(*b_, "h", "{}")).ok());
  const auto type = Await<TypeRegistration>(RegisterType(*b_, "c.d"));
  ASSERT_TRUE(type.ok()) << type.status();
  EXPECT_THAT(Names(type->groups), UnorderedElementsAre("g", "h"));
}

TEST_P(StoreConformanceTest, StampsSayWhetherATypeOrAGroupWasFirst) {
  const auto before = Await<TypeRegistration>(RegisterType(*a_, "before"));
  const auto group = Await<GroupRegistration>(RegisterGroup(*b_, "g", "{}"));
  const auto after = Await<TypeRegistration>(RegisterType(*a_, "after"));
  ASSERT_TRUE(before.ok() && group.ok() && after.ok());
  EXPECT_LT(before->type.stamp, group->group.stamp);
  EXPECT_LT(group->group.stamp, after->type.stamp);
}

TEST_P(StoreConformanceTest, ATypeBeyondTheLimitIsRefusedAndOneThatExistsIsNot) {
  ASSERT_TRUE(Await<TypeRegistration>(RegisterType(*a_, "a", 1)).ok());
  EXPECT_EQ(Await<TypeRegistration>(RegisterType(*a_, "b", 1)).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Await<TypeRegistration>(RegisterType(*a_, "a", 1)).ok());
  const auto types =
      Await<std::vector<TypeRecord>>([&](auto done) { a_->ListTypes(std::move(done)); });
  ASSERT_TRUE(types.ok());
  EXPECT_THAT(Names(*types), ElementsAre("a"));
}

TEST_P(StoreConformanceTest, AGroupBeyondTheLimitIsRefusedAndOneThatExistsIsNot) {
  ASSERT_TRUE(Await<GroupRegistration>(RegisterGroup(*a_, "a", "", 1)).ok());
  EXPECT_EQ(Await<GroupRegistration>(RegisterGroup(*a_, "b", "", 1)).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Await<GroupRegistration>(RegisterGroup(*a_, "a", "", 1)).ok());
}

TEST_P(StoreConformanceTest, OfTwoThatRegisterAGroupTheFirstDefinitionStands) {
  const std::string binary("{\0\xff}", 4);
  const auto first = Await<GroupRegistration>(RegisterGroup(*a_, "g", binary));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->created);
  EXPECT_EQ(first->group.name, "g");
  EXPECT_EQ(first->group.definition, binary);
  EXPECT_EQ(first->group.generation, 1u);
  const auto second = Await<GroupRegistration>(RegisterGroup(*b_, "g", "other"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->created);
  EXPECT_EQ(second->group.definition, binary);
  EXPECT_EQ(second->group.version, first->group.version);
  EXPECT_EQ(second->group.stamp, first->group.stamp);
}

TEST_P(StoreConformanceTest, AGroupIsChangedOnlyAtTheVersionThatWasSeen) {
  const auto registered = Await<GroupRegistration>(RegisterGroup(*a_, "g", "one"));
  ASSERT_TRUE(registered.ok()) << registered.status();
  GroupRecord change = registered->group;
  change.definition = "two";
  change.generation = 5;
  const uint64_t seen = change.version;
  const auto changed =
      Await<GroupRecord>([&](auto done) { a_->UpdateGroup(change, seen, std::move(done)); });
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->definition, "two");
  EXPECT_EQ(changed->generation, 5u);
  EXPECT_EQ(changed->version, seen + 1);
  EXPECT_EQ(changed->stamp, registered->group.stamp);
  change.definition = "three";
  EXPECT_EQ(Await<GroupRecord>([&](auto done) { b_->UpdateGroup(change, seen, std::move(done)); })
                .status()
                .code(),
            absl::StatusCode::kAborted);
  const auto groups =
      Await<std::vector<GroupRecord>>([&](auto done) { b_->ListGroups(std::move(done)); });
  ASSERT_TRUE(groups.ok());
  ASSERT_EQ(groups->size(), 1u);
  EXPECT_EQ((*groups)[0].definition, "two");
}

TEST_P(StoreConformanceTest, AGroupThatDoesNotExistCannotBeChangedOrRemoved) {
  GroupRecord none;
  none.name = "none";
  EXPECT_EQ(Await<GroupRecord>([&](auto done) { a_->UpdateGroup(none, 1, std::move(done)); })
                .status()
                .code(),
            kNotFound);
  EXPECT_EQ(AwaitStatus([&](auto done) { a_->UnregisterGroup("none", 1, std::move(done)); }).code(),
            kNotFound);
}

TEST_P(StoreConformanceTest, AGroupIsRemovedOnlyAtTheVersionThatWasSeen) {
  const auto registered = Await<GroupRegistration>(RegisterGroup(*a_, "g", "one"));
  ASSERT_TRUE(registered.ok());
  const uint64_t version = registered->group.version;
  EXPECT_EQ(AwaitStatus([&](auto done) {
              a_->UnregisterGroup("g", version + 1, std::move(done));
            }).code(),
            absl::StatusCode::kAborted);
  EXPECT_TRUE(
      AwaitStatus([&](auto done) { a_->UnregisterGroup("g", version, std::move(done)); }).ok());
  const auto again = Await<GroupRegistration>(RegisterGroup(*a_, "g", "two"));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->created);
  EXPECT_GT(again->group.stamp, registered->group.stamp);
}

TEST_P(StoreConformanceTest, RegisteringATypeCreatesNoStream) {
  ASSERT_TRUE(Await<TypeRegistration>(RegisterType(*a_, kStream)).ok());
  EXPECT_EQ(TryAppend(*a_, kStream, "x").status().code(), kNotFound);
}

}  // namespace
}  // namespace eventbus
