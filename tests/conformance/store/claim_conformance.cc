// Claims and releases: how pending entries change hands.

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_P(StoreConformanceTest, AClaimMovesPendingEntriesOldestFirstAndAnswersWithThem) {
  CreateStreamWithGroup();
  for (const char* value : {"a", "b", "c"}) Append(value);
  ReadGroup("dead");
  const ClaimResult first = Claim("dead", "me", 2);
  EXPECT_THAT(ValuesOf(first.entries), ElementsAre("a", "b"));
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.vanished, 0u);
  const ClaimResult second = Claim("dead", "me", 2);
  EXPECT_THAT(ValuesOf(second.entries), ElementsAre("c"));
  EXPECT_FALSE(second.more);
  EXPECT_THAT(PendingIds("dead"), IsEmpty());
  EXPECT_EQ(PendingIds("me").size(), 3u);
}

TEST_P(StoreConformanceTest, AClaimTakesFromThatConsumerOnlyAndNothingUnread) {
  CreateStreamWithGroup();
  for (const char* value : {"a", "b", "c"}) Append(value);
  ReadGroup("dead", 1);
  ReadGroup("alive", 1);
  EXPECT_THAT(ValuesOf(Claim("dead", "me").entries), ElementsAre("a"));
  EXPECT_EQ(PendingIds("alive").size(), 1u);
  EXPECT_THAT(ReadGroup("me"), ElementsAre("c"));
}

TEST_P(StoreConformanceTest, AClaimFromAConsumerWithNothingPendingIsEmpty) {
  CreateStreamWithGroup();
  const ClaimResult claimed = Claim("nobody", "me");
  EXPECT_THAT(claimed.entries, IsEmpty());
  EXPECT_EQ(claimed.vanished, 0u);
  EXPECT_FALSE(claimed.more);
}

TEST_P(StoreConformanceTest, EachReadAndClaimCountsAsADeliveryAndAReleaseDoesNot) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("one");
  ClaimResult claimed = Claim("one", "two");
  ASSERT_EQ(claimed.entries.size(), 1u);
  EXPECT_EQ(claimed.entries[0].times_delivered, 2u);
  Release("two", {id});
  EXPECT_EQ(Pending()[0].times_delivered, 2u);
  claimed = Claim(kReleasedConsumer, "three");
  ASSERT_EQ(claimed.entries.size(), 1u);
  EXPECT_EQ(claimed.entries[0].times_delivered, 3u);
  EXPECT_EQ(Pending()[0].times_delivered, 3u);
}

TEST_P(StoreConformanceTest, OfTwoThatClaimTheSameOneGetsAllTheOtherNone) {
  CreateStreamWithGroup();
  for (int i = 0; i < 10; ++i) Append("x");
  ReadGroup("dead");
  std::vector<size_t> sizes;
  world_->Run([&] {
    const auto note = [&](absl::StatusOr<ClaimResult> result) {
      ASSERT_TRUE(result.ok()) << result.status();
      sizes.push_back(result->entries.size());
    };
    a_->Claim({kStream, group_, "dead", "a", 100}, note);
    b_->Claim({kStream, group_, "dead", "b", 100}, note);
  });
  ASSERT_TRUE(world_->WaitUntil([&] { return sizes.size() == 2; }));
  EXPECT_THAT(sizes, ::testing::UnorderedElementsAre(0u, 10u));
}

TEST_P(StoreConformanceTest, AnAckOfTheOldOwnerStillEndsWhatWasClaimed) {
  CreateStreamWithGroup();
  const EntryId id = Append("a");
  ReadGroup("frozen");
  Claim("frozen", "me");
  EXPECT_EQ(Ack({id}), 1u);
  EXPECT_THAT(Pending(), IsEmpty());
}

TEST_P(StoreConformanceTest, ReleasedEntriesArePendingForTheReservedConsumer) {
  CreateStreamWithGroup();
  const EntryId a = Append("a");
  const EntryId b = Append("b");
  ReadGroup("me");
  Release("me", {a});
  EXPECT_THAT(PendingIds(kReleasedConsumer), ElementsAre(a));
  EXPECT_THAT(PendingIds("me"), ElementsAre(b));
  EXPECT_THAT(Consumers(), ElementsAre("me:1", "released:1"));
  EXPECT_THAT(ValuesOf(Claim(kReleasedConsumer, "you").entries), ElementsAre("a"));
}

TEST_P(StoreConformanceTest, AReleaseMovesOnlyWhatIsPendingForItsConsumer) {
  CreateStreamWithGroup();
  const EntryId mine = Append("a");
  const EntryId yours = Append("b");
  const EntryId unread = Append("c");
  ReadGroup("me", 1);
  ReadGroup("you", 1);
  Release("me", {mine, yours, unread});
  EXPECT_THAT(PendingIds(kReleasedConsumer), ElementsAre(mine));
  EXPECT_THAT(PendingIds("you"), ElementsAre(yours));
}

TEST_P(StoreConformanceTest, AClaimAcknowledgesAndCountsWhatRetentionHasRemoved) {
  CreateStreamWithGroup();
  const EntryId gone = Append("gone");
  const EntryId kept = Append("kept");
  ReadGroup("dead");
  WriteStates("dead", {{gone, "record"}});
  Trim({.min_id = kept});
  const ClaimResult claimed = Claim("dead", "me");
  EXPECT_THAT(ValuesOf(claimed.entries), ElementsAre("kept"));
  EXPECT_EQ(claimed.vanished, 1u);
  EXPECT_FALSE(claimed.more);
  EXPECT_THAT(PendingIds(), ElementsAre(kept));
  EXPECT_THAT(ReadStates({gone}), IsEmpty());
}

TEST_P(StoreConformanceTest, VanishedEntriesCountTowardsTheMaximumOfAClaim) {
  CreateStreamWithGroup();
  Append("gone");
  Append("gone too");
  const EntryId kept = Append("kept");
  ReadGroup("dead");
  Trim({.min_id = kept});
  const ClaimResult first = Claim("dead", "me", 2);
  EXPECT_EQ(first.vanished, 2u);
  EXPECT_THAT(first.entries, IsEmpty());
  EXPECT_TRUE(first.more);
  EXPECT_THAT(ValuesOf(Claim("dead", "me", 2).entries), ElementsAre("kept"));
}

}  // namespace
}  // namespace eventbus
