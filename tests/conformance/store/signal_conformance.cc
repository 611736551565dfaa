// Signals: what a store tells by itself, and to whom.

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

TEST_P(StoreConformanceTest, AnAppendIsToldToTheOtherInstanceOnly) {
  CreateStream();
  world_->LetEverythingArrive();
  world_->Run([&] { b_hears_.advanced.clear(); });
  Append("one");
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
  world_->LetEverythingArrive();
  EXPECT_THAT(b_hears_.advanced, Contains(kStream));
  EXPECT_THAT(a_hears_.advanced, IsEmpty());
}

TEST_P(StoreConformanceTest, AStreamBornWithAnEntryIsToldAsAdvanced) {
  ASSERT_TRUE(Await<CreateStreamResult>([&](auto done) {
                a_->CreateStream({kStream, {group_}, EntryOf(kStream, "first")}, std::move(done));
              }).ok());
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
  EXPECT_THAT(b_hears_.advanced, Contains(kStream));
}

TEST_P(StoreConformanceTest, WhenTheSignalComesTheEntryCanBeRead) {
  CreateStreamWithGroup();
  world_->LetEverythingArrive();
  world_->Run([&] { b_hears_.advanced.clear(); });
  Append("one");
  ASSERT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
  const auto read = TryReadGroup(*b_, {kStream, group_, "b", 10});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->entries.size(), 1u);
}

TEST_P(StoreConformanceTest, AReleaseIsToldToTheOtherInstanceOnly) {
  CreateStreamWithGroup();
  const EntryId id = Append("one");
  ReadGroup("me");
  Release("me", {id});
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.released.empty(); }));
  world_->LetEverythingArrive();
  EXPECT_THAT(b_hears_.released, Contains(std::make_pair(std::string(kStream), group_)));
  EXPECT_THAT(a_hears_.released, IsEmpty());
}

TEST_P(StoreConformanceTest, NewTypesAndNewChangedAndRemovedGroupsAreTold) {
  const auto told = [&] {
    const bool heard = world_->WaitUntil([&] { return b_hears_.registry_changes > 0; });
    world_->LetEverythingArrive();
    world_->Run([&] { b_hears_.registry_changes = 0; });
    return heard;
  };
  ASSERT_TRUE(Await<TypeRegistration>([&](auto done) {
                a_->RegisterType("a.b", 10, std::move(done));
              }).ok());
  EXPECT_TRUE(told());
  const auto registered = Await<GroupRegistration>(
      [&](auto done) { a_->RegisterGroup("g", "{}", 10, std::move(done)); });
  ASSERT_TRUE(registered.ok());
  EXPECT_TRUE(told());
  const auto changed = Await<GroupRecord>([&](auto done) {
    a_->UpdateGroup(registered->group, registered->group.version, std::move(done));
  });
  ASSERT_TRUE(changed.ok());
  EXPECT_TRUE(told());
  ASSERT_TRUE(AwaitStatus([&](auto done) {
                a_->UnregisterGroup("g", changed->version, std::move(done));
              }).ok());
  EXPECT_TRUE(told());
}

TEST_P(StoreConformanceTest, RegisteringWhatExistsIsNotTold) {
  const auto register_type = [&](auto done) { a_->RegisterType("a.b", 10, std::move(done)); };
  ASSERT_TRUE(Await<TypeRegistration>(register_type).ok());
  world_->LetEverythingArrive();
  world_->Run([&] { b_hears_.registry_changes = 0; });
  ASSERT_TRUE(Await<TypeRegistration>(register_type).ok());
  world_->LetEverythingArrive();
  EXPECT_EQ(b_hears_.registry_changes, 0);
}

TEST_P(StoreConformanceTest, LeavingIsToldToTheOtherInstanceOnly) {
  ASSERT_TRUE(Await<HeartbeatResult>([&](auto done) {
                a_->Heartbeat({"a", ""}, std::move(done));
              }).ok());
  EXPECT_TRUE(world_->WaitUntil([&] { return b_hears_.instance_changes == 1; }));
  ASSERT_TRUE(AwaitStatus([&](auto done) { a_->Leave("a", std::move(done)); }).ok());
  EXPECT_TRUE(world_->WaitUntil([&] { return b_hears_.instance_changes > 1; }));
  world_->LetEverythingArrive();
  EXPECT_EQ(b_hears_.instance_changes, 2);
  EXPECT_EQ(a_hears_.instance_changes, 0);
}

TEST_P(StoreConformanceTest, ADestroyedInstanceHearsNothingAndTheOthersGoOn) {
  CreateStream();
  world_->Run([&] { b_.reset(); });
  Append("one");
  world_->LetEverythingArrive();
  EXPECT_THAT(b_hears_.advanced, IsEmpty());
}

TEST_P(StoreConformanceTest, ANewInstanceIsToldToTheOthersOnce) {
  const auto beat = [this](StreamStore& store, std::string incarnation) {
    return Await<HeartbeatResult>([&](auto done) {
      store.Heartbeat({std::move(incarnation), ""}, std::move(done));
    });
  };
  ASSERT_TRUE(beat(*b_, "b").ok());
  EXPECT_TRUE(world_->WaitUntil([&] { return a_hears_.instance_changes > 0; }));
  ASSERT_TRUE(beat(*b_, "b").ok());
  ASSERT_TRUE(beat(*b_, "b").ok());
  world_->LetEverythingArrive();
  EXPECT_EQ(a_hears_.instance_changes, 1);
  EXPECT_EQ(b_hears_.instance_changes, 0);
}

TEST_P(StoreConformanceTest, WhoIsAloneTellsNothingAndThenThatSomethingWasMissed) {
  CreateStream();
  world_->LetEverythingArrive();
  b_hears_.advanced.clear();
  world_->Run([&] { a_->SetAudience(false); });
  Append("unheard");
  world_->LetEverythingArrive();
  EXPECT_THAT(b_hears_.advanced, IsEmpty());
  EXPECT_EQ(b_hears_.signals_missed, 0);
  world_->Run([&] { a_->SetAudience(true); });
  EXPECT_TRUE(world_->WaitUntil([&] { return b_hears_.signals_missed > 0; }));
  world_->Run([&] { a_->SetAudience(true); });
  Append("heard");
  EXPECT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
  world_->LetEverythingArrive();
  EXPECT_EQ(b_hears_.signals_missed, 1);
  EXPECT_EQ(a_hears_.signals_missed, 0);
}

}  // namespace
}  // namespace eventbus
