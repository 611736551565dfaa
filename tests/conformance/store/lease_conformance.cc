// Leases: who may read a stream of an ordered group.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "tests/conformance/store/store_conformance.h"

namespace eventbus {
absl::StatusOr<LeaseResult> StoreConformanceTest::TryAcquire(std::string owner, std::string gone) {
  return Await<LeaseResult>([&](auto done) {
    a_->AcquireLease({kStream, group_.name, std::move(owner), std::move(gone)}, std::move(done));
  });
}

LeaseResult StoreConformanceTest::Acquire(std::string owner, std::string gone) {
  absl::StatusOr<LeaseResult> lease = TryAcquire(std::move(owner), std::move(gone));
  EXPECT_TRUE(lease.ok()) << lease.status();
  return lease.value_or(LeaseResult());
}

void StoreConformanceTest::GiveBackLease(std::string owner) {
  EXPECT_TRUE(AwaitStatus([&](auto done) {
                a_->ReleaseLease(kStream, group_, std::move(owner), std::move(done));
              }).ok());
}

absl::StatusOr<std::vector<std::string>> StoreConformanceTest::FencedRead(std::string consumer,
                                                                          uint64_t fence) {
  absl::StatusOr<ReadGroupResult> read =
      TryReadGroup(*a_, {kStream, group_, std::move(consumer), 100, fence});
  if (!read.ok()) return read.status();
  return ValuesOf(read->entries);
}

absl::StatusOr<ClaimResult> StoreConformanceTest::FencedClaim(std::string from, std::string to,
                                                              uint64_t fence) {
  return TryClaim(*a_, {kStream, group_, std::move(from), std::move(to), 100, fence});
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(StoreConformanceTest, TheFirstWhoAsksGetsItAndOthersHearWhoHasIt) {
  CreateStreamWithGroup();
  const LeaseResult mine = Acquire("one");
  EXPECT_EQ(mine.owner, "one");
  EXPECT_GE(mine.fence, 1U);
  EXPECT_EQ(Acquire("two").owner, "one");
  // Unless they know better.
  EXPECT_EQ(Acquire("two", "three").owner, "one");
  const LeaseResult taken = Acquire("two", "one");
  EXPECT_EQ(taken.owner, "two");
  EXPECT_GT(taken.fence, mine.fence);
}

TEST_P(StoreConformanceTest, WhoAsksAgainGetsAnotherFence) {
  CreateStreamWithGroup();
  const LeaseResult first = Acquire("one");
  const LeaseResult second = Acquire("one");
  EXPECT_EQ(second.owner, "one");
  EXPECT_GT(second.fence, first.fence);
}

TEST_P(StoreConformanceTest, WhatIsGivenBackIsFreeAndItsFenceDoesNotComeAgain) {
  CreateStreamWithGroup();
  const LeaseResult first = Acquire("one");
  GiveBackLease("two");  // Not its own.
  EXPECT_EQ(Acquire("two").owner, "one");
  GiveBackLease("one");
  const LeaseResult second = Acquire("two");
  EXPECT_EQ(second.owner, "two");
  EXPECT_GT(second.fence, first.fence);
}

TEST_P(StoreConformanceTest, OnlyTheOwnerReadsWithItsLastFence) {
  CreateStreamWithGroup();
  Append("a");
  const LeaseResult old = Acquire("one");
  const LeaseResult lease = Acquire("two", "one");
  EXPECT_EQ(FencedRead("one", old.fence).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FencedRead("one", lease.fence).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FencedRead("two", old.fence).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Pending(), IsEmpty());
  const auto read = FencedRead("two", lease.fence);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(*read, ElementsAre("a"));
  const auto nothing = FencedRead("two", lease.fence);
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_THAT(*nothing, IsEmpty());
}

TEST_P(StoreConformanceTest, OnlyTheOwnerClaims) {
  CreateStreamWithGroup();
  Append("a");
  const LeaseResult old = Acquire("one");
  ASSERT_TRUE(FencedRead("one", old.fence).ok());
  const LeaseResult lease = Acquire("two", "one");
  EXPECT_EQ(FencedClaim("one", "three", lease.fence).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(PendingIds("one"), SizeIs(1));
  const auto claimed = FencedClaim("one", "two", lease.fence);
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  EXPECT_THAT(claimed->entries, SizeIs(1));
}

TEST_P(StoreConformanceTest, AFencedReadOfWhatIsNotThereIsNotFound) {
  EXPECT_EQ(TryAcquire("one").status().code(), kNotFound);
  CreateStream();
  const LeaseResult lease = Acquire("one");
  EXPECT_EQ(FencedRead("one", lease.fence).status().code(), kNotFound);
}

TEST_P(StoreConformanceTest, AGroupThatIsRemovedTakesItsLeaseWithIt) {
  CreateStreamWithGroup();
  Acquire("one");
  ASSERT_TRUE(AwaitStatus([&](auto done) {
                a_->RemoveGroup(kStream, group_.name, 1, std::move(done));
              }).ok());
  EXPECT_EQ(Acquire("two").owner, "two");
  ASSERT_TRUE(AwaitStatus([&](auto done) {
                a_->DeleteStream(kStream, {group_.name}, std::move(done));
              }).ok());
  CreateStreamWithGroup();
  EXPECT_EQ(Acquire("three").owner, "three");
}

TEST_P(StoreConformanceTest, OthersHearOfALeaseGivenBackAndOfWishes) {
  CreateStreamWithGroup();
  Acquire("one");
  world_->LetEverythingArrive();
  b_hears_.released.clear();
  GiveBackLease("one");
  const LeaseWish wish = {kStream, group_, "one", "two", 3};
  world_->Run([&] { a_->WishForLease(wish); });
  EXPECT_TRUE(
      world_->WaitUntil([&] { return !b_hears_.released.empty() && !b_hears_.wishes.empty(); }));
  EXPECT_THAT(b_hears_.released, ElementsAre(std::make_pair(std::string(kStream), group_)));
  EXPECT_THAT(b_hears_.wishes, ElementsAre(wish));
}

TEST_P(StoreConformanceTest, WhoGivesBackALeaseThatIsNotItsOwnTellsNobody) {
  CreateStreamWithGroup();
  Acquire("one");
  world_->LetEverythingArrive();
  world_->Run([&] { b_hears_.released.clear(); });
  GiveBackLease("two");
  Append("a");
  ASSERT_TRUE(world_->WaitUntil([&] { return !b_hears_.advanced.empty(); }));
  world_->LetEverythingArrive();
  EXPECT_THAT(b_hears_.released, IsEmpty());
}

}  // namespace
}  // namespace eventbus
