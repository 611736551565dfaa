#include "server/store/entry.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "server/store/bytes.h"
#include "server/store/stream_store.h"

namespace eventbus {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(EntryIdTest, IsOrderedByTimeThenBySequence) {
  EXPECT_LT((EntryId{1, 9}), (EntryId{2, 0}));
  EXPECT_LT((EntryId{2, 0}), (EntryId{2, 1}));
  EXPECT_LT(EntryId::Min(), EntryId::Max());
}

TEST(EntryIdTest, NextAndPreviousCrossTheMillisecondAndStopAtTheEnds) {
  EXPECT_EQ((EntryId{1, 2}).Next(), (EntryId{1, 3}));
  EXPECT_EQ((EntryId{1, kMax}).Next(), (EntryId{2, 0}));
  EXPECT_EQ(EntryId::Max().Next(), EntryId::Max());
  EXPECT_EQ((EntryId{1, 2}).Previous(), (EntryId{1, 1}));
  EXPECT_EQ((EntryId{1, 0}).Previous(), (EntryId{0, kMax}));
  EXPECT_EQ(EntryId::Min().Previous(), EntryId::Min());
}

TEST(EntryIdTest, ItsTextIsReadBack) {
  for (const EntryId id :
       {EntryId::Min(), EntryId{1700000000000, 3}, EntryId{999999999999999999, 1000000000000000000},
        EntryId{9999999999999999999u, 10000000000000000000u}, EntryId::Max()}) {
    const auto parsed = EntryId::Parse(id.ToString());
    ASSERT_TRUE(parsed.ok()) << id.ToString();
    EXPECT_EQ(*parsed, id);
  }
  EXPECT_EQ((EntryId{1700000000000, 3}).ToString(), "1700000000000-3");
}

TEST(EntryIdTest, AnyOtherTextIsRefused) {
  for (const char* text : {"", "1", "-", "1-", "-1", "1-2-3", "+1-2", " 1-2", "1-2 ", "01-2",
                           "1-0x2", "18446744073709551616-0", "1-18446744073709551616",
                           "99999999999999999999-0", "0000000000000000000001-0", "$", "*"}) {
    EXPECT_EQ(EntryId::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(PositionTest, IsOrderedByEntryThenByIndex) {
  EXPECT_LT((Position{{1, 1}, 99}), (Position{{1, 2}, 0}));
  EXPECT_LT((Position{{1, 2}, 0}), (Position{{1, 2}, 1}));
}

TEST(PositionTest, ItsTextIsReadBackAndAnyOtherIsRefused) {
  const Position position{{1700000000000, 3}, 4294967295};
  EXPECT_EQ(position.ToString(), "1700000000000-3-4294967295");
  const auto parsed = Position::Parse(position.ToString());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, position);
  for (const char* text : {"", "1-2", "1-2-", "1-2-3-4", "1-2-4294967296", "1-2--3", "1-2-03"}) {
    EXPECT_EQ(Position::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(BytesTest, ASliceSharesTheOwnerAndKnowsHowMuchItKeeps) {
  const Bytes whole = Bytes::FromString(std::string(1000, 'a') + "tail");
  const Bytes slice = whole.Slice(1000, 4);
  EXPECT_EQ(slice.view(), "tail");
  EXPECT_EQ(slice.owner(), whole.owner());
  EXPECT_GE(slice.held(), 1004u);
}

TEST(StoreErrorTest, OnlyAnUnknownOutcomeSaysSo) {
  EXPECT_TRUE(IsOutcomeUnknown(OutcomeUnknownError("x")));
  EXPECT_EQ(OutcomeUnknownError("x").code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsOutcomeUnknown(NotDoneError("x")));
  EXPECT_EQ(NotDoneError("x").code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsOutcomeUnknown(absl::OkStatus()));
  EXPECT_FALSE(IsOutcomeUnknown(absl::NotFoundError("x")));
}

TEST(GroupKeyTest, ReadsAsNameAndGeneration) {
  EXPECT_EQ((GroupKey{"analytics", 2}).ToString(), "analytics@2");
}

}  // namespace
}  // namespace eventbus
