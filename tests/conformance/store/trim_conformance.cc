// Retention: what a trim removes, and who loses by it.

#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformanceTest, ATrimRemovesWhatIsBelowItsMinimumAndSaysHowMuch) {
  CreateStream();
  Append("123", 2);
  Append("45", 3);
  const EntryId kept = Append("6", 1);
  const TrimResult trimmed = Trim({.min_id = kept});
  EXPECT_EQ(trimmed.entries, 2u);
  EXPECT_EQ(trimmed.events, 5u);
  EXPECT_EQ(trimmed.bytes, 5u);
  EXPECT_THAT(trimmed.losses, IsEmpty());
  EXPECT_THAT(Values(), ElementsAre("6"));
  EXPECT_EQ(Info().first, kept);
}

TEST_P(StoreConformanceTest, ATrimRemovesTheOldestWhileThereIsTooMuch) {
  CreateStream();
  for (const char* value : {"11", "22", "33", "44"}) Append(value, 2);
  EXPECT_EQ(Trim({.max_events = 7}).entries, 1u);
  EXPECT_THAT(Values(), ElementsAre("22", "33", "44"));
  EXPECT_EQ(Trim({.max_events = 6}).entries, 0u);
  EXPECT_EQ(Trim({.max_bytes = 5}).entries, 1u);
  EXPECT_THAT(Values(), ElementsAre("33", "44"));
  EXPECT_EQ(Trim({.max_events = 100, .max_bytes = 4}).entries, 0u);
}

TEST_P(StoreConformanceTest, ATrimThatAsksForNothingRemovesNothing) {
  CreateStream();
  Append("a");
  EXPECT_EQ(Trim({}).entries, 0u);
  EXPECT_THAT(Values(), ElementsAre("a"));
}

TEST_P(StoreConformanceTest, AnEmptiedStreamGoesOnWhereItWas) {
  CreateStreamWithGroup();
  const EntryId before = Append("a");
  Trim({.min_id = EntryId::Max()});
  const StreamInfo info = Info();
  EXPECT_EQ(info.entries, 0u);
  EXPECT_EQ(info.last, before);
  EXPECT_EQ(info.first, before.Next());
  EXPECT_GT(Append("b"), before);
  EXPECT_THAT(ReadGroup("me"), ElementsAre("b"));
}

TEST_P(StoreConformanceTest, ATrimCountsTheEventsThatGroupsHadNotSettled) {
  const GroupKey idle{"idle", 1};
  const GroupKey done{"done", 1};
  CreateStream(kStream, {group_, idle, done});
  const EntryId acked = Append("acked", 2);
  Append("pending", 3);
  Append("unread", 5);
  const EntryId kept = Append("kept", 7);
  ReadGroup("me", 2);
  Ack({acked});
  ReadGroup(done, "me");
  std::vector<EntryId> all;
  for (const Entry& entry : ReadRange({.stream = kStream})) all.push_back(entry.id);
  ASSERT_TRUE(
      Await<uint64_t>([&](auto answer) { a_->Ack(kStream, done, all, std::move(answer)); }).ok());
  const TrimResult trimmed = Trim({.min_id = kept});
  EXPECT_EQ(trimmed.events, 10u);
  std::vector<std::pair<GroupKey, uint64_t>> losses;
  for (const GroupLoss& loss : trimmed.losses) losses.emplace_back(loss.group, loss.events);
  EXPECT_THAT(losses, ::testing::UnorderedElementsAre(std::make_pair(group_, 8u),
                                                      std::make_pair(idle, 10u)));
}

TEST_P(StoreConformanceTest, WhatAllOfTheGroupsAreDoneWithGoesWhenAskedFor) {
  const GroupKey other{"billing", 1};
  CreateStream(kStream, {group_, other});
  const EntryId a = Append("a");
  const EntryId b = Append("b");
  const EntryId c = Append("c");
  Append("d");
  const auto settled = [&] { return Trim({.settled_by = {group_, other}}); };
  EXPECT_EQ(settled().entries, 0u);
  ReadGroup("me");
  Ack({a, b, c});
  // The other one has read nothing yet.
  EXPECT_EQ(settled().entries, 0u);
  ReadGroup(other, "me", 2);
  EXPECT_EQ(settled().entries, 0u);
  // Only up to the first that is pending, also where later ones are done with.
  ASSERT_TRUE(
      Await<uint64_t>([&](auto done) { a_->Ack(kStream, other, {b}, std::move(done)); }).ok());
  EXPECT_EQ(settled().entries, 0u);
  ASSERT_TRUE(
      Await<uint64_t>([&](auto done) { a_->Ack(kStream, other, {a}, std::move(done)); }).ok());
  const TrimResult trimmed = settled();
  EXPECT_EQ(trimmed.entries, 2u);
  EXPECT_THAT(trimmed.losses, IsEmpty());
  EXPECT_THAT(Values(), ElementsAre("c", "d"));
}

TEST_P(StoreConformanceTest, AGroupThatIsNotThereIsDoneWithNothing) {
  CreateStreamWithGroup();
  const EntryId a = Append("a");
  ReadGroup("me");
  Ack({a});
  EXPECT_EQ(Trim({.settled_by = {group_, {"coming", 1}}}).entries, 0u);
  EXPECT_EQ(Trim({.settled_by = {}}).entries, 0u);
  EXPECT_EQ(Trim({.settled_by = {group_}}).entries, 1u);
}

TEST_P(StoreConformanceTest, WhatIsTrimmedWhilePendingStaysPendingUntilItIsAcked) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("me");
  Trim({.min_id = EntryId::Max()});
  EXPECT_THAT(PendingIds("me"), ElementsAre(id));
  EXPECT_EQ(Ack({id}), 1u);
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_P(StoreConformanceTest, AGroupThatRetentionHasOvertakenGoesOnAfterTheGap) {
  CreateStreamWithGroup();
  Append("lost");
  const EntryId kept = Append("kept");
  Trim({.min_id = kept});
  EXPECT_THAT(ReadGroup("me"), ElementsAre("kept"));
}

}  // namespace
}  // namespace eventbus
