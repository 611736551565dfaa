#include "server/broker/key_lines.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

using ::testing::Optional;

constexpr uint64_t kA = 7;
constexpr uint64_t kB = 8;
constexpr KeyLines::Place At(uint64_t entry, uint32_t index = 0) { return {{entry, 0}, index}; }

TEST(KeyLinesTest, OfEachKeyTheFirstMayGo) {
  KeyLines lines;
  EXPECT_TRUE(lines.Add(kA, At(1, 0)));
  EXPECT_FALSE(lines.Add(kA, At(1, 1)));
  EXPECT_TRUE(lines.Add(kB, At(1, 2)));
  EXPECT_FALSE(lines.Add(kA, At(2)));
  EXPECT_EQ(lines.waiting(), 2U);
  EXPECT_TRUE(lines.IsFirst(kA, At(1, 0)));
  EXPECT_FALSE(lines.IsFirst(kA, At(1, 1)));
}

TEST(KeyLinesTest, WhoIsDoneMakesRoomForTheNextOfItsLine) {
  KeyLines lines;
  lines.Add(kA, At(1));
  lines.Add(kA, At(2));
  lines.Add(kA, At(3));
  EXPECT_THAT(lines.Remove(kA, At(1)), Optional(At(2)));
  EXPECT_EQ(lines.waiting(), 1U);
  EXPECT_THAT(lines.Remove(kA, At(2)), Optional(At(3)));
  EXPECT_EQ(lines.Remove(kA, At(3)), std::nullopt);
  EXPECT_TRUE(lines.Add(kA, At(4)));
}

TEST(KeyLinesTest, WhoIsDoneBeforeItsTurnLeavesFromTheMiddle) {
  KeyLines lines;
  lines.Add(kA, At(1));
  lines.Add(kA, At(2));
  lines.Add(kA, At(3));
  EXPECT_EQ(lines.Remove(kA, At(2)), std::nullopt);
  EXPECT_EQ(lines.waiting(), 1U);
  EXPECT_THAT(lines.Remove(kA, At(1)), Optional(At(3)));
}

TEST(KeyLinesTest, WhatDoesNotStandThereIsIgnored) {
  KeyLines lines;
  EXPECT_EQ(lines.Remove(kA, At(1)), std::nullopt);
  lines.Add(kA, At(1));
  EXPECT_EQ(lines.Remove(kA, At(2)), std::nullopt);
  EXPECT_EQ(lines.Remove(kB, At(1)), std::nullopt);
  EXPECT_TRUE(lines.IsFirst(kA, At(1)));
  lines.Clear();
  EXPECT_FALSE(lines.IsFirst(kA, At(1)));
  EXPECT_EQ(lines.waiting(), 0U);
}

}  // namespace
}  // namespace eventbus
