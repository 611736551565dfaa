#include "server/config/scalars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "server/config/config.h"
#include "server/config/yaml.h"

namespace eventbus::settings {
namespace {

using ::testing::HasSubstr;

template <typename Scalar>
std::string ErrorOf(const Scalar& scalar, const char* text) {
  const auto value = scalar.Read(text);
  return value.ok() ? "no error" : std::string(value.status().message());
}

TEST(ScalarsTest, BoundsBelongToTheRange) {
  const WholeNumber number{.min = 2, .max = 5};
  EXPECT_EQ(number.Read("2").value(), 2u);
  EXPECT_EQ(number.Read("5").value(), 5u);
  for (const char* outside : {"0", "1", "6", "99999999999999999999"}) {
    EXPECT_FALSE(number.Read(outside).ok()) << outside;
  }
}

TEST(ScalarsTest, AnErrorSaysWhatIsAllowed) {
  EXPECT_EQ(ErrorOf(WholeNumber{.min = 2, .max = 5}, "6"), "out of range; allowed: 2 to 5");
  EXPECT_EQ(ErrorOf(WholeNumber{.min = 2, .max = 5}, "1e3"), "not a whole number; allowed: 2 to 5");
  EXPECT_EQ(ErrorOf(ByteSize{.min = kKiB, .max = kMiB, .zero = "no bound"}, "1"),
            "out of range; allowed: 1KiB to 1MiB, or 0: no bound");
  EXPECT_EQ(ErrorOf(TimeSpan{.min = absl::Seconds(1), .max = absl::Hours(1)}, "30"),
            "not a duration with a unit, such as 30s; allowed: 1s to 1h");
  EXPECT_EQ(ErrorOf(Switch{}, "maybe"), "neither true nor false; allowed: true or false");
  EXPECT_EQ(ErrorOf(Choice<WhenFull>{{{"refuse", WhenFull::kRefuse}}}, "explode"),
            "not a choice; allowed: one of refuse");
  EXPECT_THAT(ErrorOf(Address{}, ""), HasSubstr("allowed: host:port"));
}

TEST(ScalarsTest, ZeroIsAllowedBelowTheRangeWhereItHasAMeaning) {
  EXPECT_EQ((ByteSize{.min = kKiB, .max = kMiB, .zero = "no bound"}.Read("0").value()), 0u);
  const TimeSpan ttl{.min = absl::Seconds(1), .max = absl::Hours(1), .zero = "for ever"};
  EXPECT_EQ(ttl.Read("0").value(), absl::InfiniteDuration());
  EXPECT_EQ(TimeSpan::Print(absl::InfiniteDuration()), "0");
}

TEST(ScalarsTest, ARedisUrlHasASchemeAndAHost) {
  for (const char* good : {"", "redis://cache", "rediss://u:p@cache:6380/2", "redis://[::1]:6379",
                           "redis+sentinel://u:p@a:26379,b/main"}) {
    EXPECT_TRUE(RedisUrl{}.Read(good).ok()) << good;
  }
  for (const char* bad :
       {"cache:6379", "http://cache", "redis://", "redis://:6379", "redis://u:p@", "redis://a b"}) {
    EXPECT_FALSE(RedisUrl{}.Read(bad).ok()) << bad;
  }
}

TEST(ScalarsTest, TextWithoutControlCharacters) {
  EXPECT_TRUE((PlainText{.min_bytes = 1, .max_bytes = 3}.Read("abc").ok()));
  EXPECT_FALSE((PlainText{.min_bytes = 1, .max_bytes = 3}.Read("").ok()));
  EXPECT_FALSE((PlainText{.min_bytes = 1, .max_bytes = 3}.Read("abcd").ok()));
  EXPECT_FALSE((PlainText{.min_bytes = 1, .max_bytes = 3}.Read("a\n").ok()));
}

TEST(YamlTest, AScalarReadsBackAsItWas) {
  for (const char* text : {"",         "plain",    "127.0.0.1:9463", "[::1]:1", "null",
                           "~",        "a: b",     "a #b",           "*",       "**",
                           "orders.*", "quote\"d", "back\\slash",    "tab\t",   "ends:",
                           "-",        "true",     " space ",        "{",       "\xc3\xbc"}) {
    const YamlResult in_list = ParseYaml("[{key: " + YamlScalar(text) + "}]");
    ASSERT_TRUE(in_list.ok) << text << ": " << in_list.error;
    EXPECT_EQ(in_list.node.items[0].members[0].value.text, text);
    const YamlResult in_map = ParseYaml("key: " + YamlScalar(text) + "  # comment");
    ASSERT_TRUE(in_map.ok) << text << ": " << in_map.error;
    EXPECT_EQ(in_map.node.members[0].value.text, text);
  }
}

TEST(YamlTest, ASecondDocumentIsAnError) {
  EXPECT_FALSE(ParseYaml("a: 1\n---\nb: 2\n").ok);
  EXPECT_TRUE(ParseYaml("---\na: 1\n").ok);
  EXPECT_TRUE(ParseYaml("").ok);
}

}  // namespace
}  // namespace eventbus::settings
