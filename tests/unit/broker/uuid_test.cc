#include "server/broker/uuid.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

const absl::Time kNow = absl::FromUnixMillis(0x017f22e279b0);

uint64_t Milliseconds(const Uuid& uuid) { return uuid.high >> 16; }

TEST(UuidTest, TextIsLowerCaseHexadecimalInFiveGroups) {
  // The example of RFC 9562, appendix A.6.
  const Uuid uuid{0x017f22e279b07cc3, 0x98c4dc0c0c07398f};
  EXPECT_EQ(FormatUuid(uuid).view(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(UuidV7GeneratorTest, CarriesTimeVersionAndVariant) {
  UuidV7Generator generator(1);
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = generator.Next(kNow + absl::Milliseconds(i));
    EXPECT_EQ(Milliseconds(uuid), 0x017f22e279b0u + static_cast<uint64_t>(i));
    EXPECT_EQ(uuid.high >> 12 & 15, 7u);
    EXPECT_EQ(uuid.low >> 62, 2u);
  }
}

TEST(UuidV7GeneratorTest, IncreasesWithinAMillisecond) {
  UuidV7Generator generator(2);
  Uuid last = generator.Next(kNow);
  for (int i = 0; i < 100000; ++i) {
    const Uuid next = generator.Next(kNow);
    ASSERT_LT(last, next);
    ASSERT_LT(FormatUuid(last).view(), FormatUuid(next).view());
    last = next;
  }
  EXPECT_LE(Milliseconds(last), 0x017f22e279b0u + 1);
}

TEST(UuidV7GeneratorTest, IncreasesWhenTheClockStepsBack) {
  UuidV7Generator generator(3);
  const Uuid before = generator.Next(kNow);
  const Uuid after = generator.Next(kNow - absl::Hours(1));
  EXPECT_LT(before, after);
  EXPECT_EQ(Milliseconds(after), Milliseconds(before));
}

TEST(UuidV7GeneratorTest, TimesBefore1970CountAs1970) {
  UuidV7Generator generator(4);
  EXPECT_EQ(Milliseconds(generator.Next(absl::FromUnixSeconds(-5))), 0u);
  EXPECT_EQ(Milliseconds(generator.Next(absl::InfinitePast())), 0u);
}

TEST(UuidV7GeneratorTest, TheSameSeedGivesTheSameUuids) {
  UuidV7Generator one(5);
  UuidV7Generator two(5);
  UuidV7Generator other(6);
  const Uuid first = one.Next(kNow);
  EXPECT_EQ(first, two.Next(kNow));
  EXPECT_NE(first, other.Next(kNow));
}

TEST(UuidV7GeneratorTest, SystemSeededGeneratorsDiffer) {
  EXPECT_NE(UuidV7Generator().Next(kNow), UuidV7Generator().Next(kNow));
}

}  // namespace
}  // namespace eventbus
