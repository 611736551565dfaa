#include "server/broker/event_type.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace eventbus {
namespace {

std::string Segments(size_t count) {
  return absl::StrJoin(std::vector<std::string>(count, "s"), ".");
}

std::string Complaint(absl::string_view type) {
  const std::optional<FieldViolation> violation = CheckEventType(type);
  return violation.has_value() ? violation->ToString() : "";
}

TEST(EventTypeTest, AcceptsOneToSixteenSegments) {
  for (const std::string& type : {std::string("a"), std::string("order.completed.v1"),
                                  std::string("A-Z_0.9-_"), Segments(16), std::string(255, 'x')}) {
    EXPECT_TRUE(IsValidEventType(type)) << type;
    EXPECT_EQ(Complaint(type), "");
  }
}

TEST(EventTypeTest, RefusesWhatIsNotAType) {
  for (const std::string& type :
       {std::string(), std::string("."), std::string(".a"), std::string("a."), std::string("a..b"),
        std::string("a b"), std::string("a*"), std::string("*"), std::string("a/b"),
        std::string("gr\xc3\xb6\xc3\x9f"
                    "e"),
        std::string("a\0b", 3), Segments(17), std::string(256, 'x')}) {
    EXPECT_FALSE(IsValidEventType(type)) << type;
    EXPECT_NE(Complaint(type), "") << type;
  }
}

TEST(EventTypeTest, OnlyTheDocumentedCharactersMakeASegment) {
  const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  for (int code = 0; code < 256; ++code) {
    const char character = static_cast<char>(code);
    const bool expected = allowed.find(character) != std::string::npos;
    EXPECT_EQ(IsTypeSegmentCharacter(character), expected) << code;
    EXPECT_EQ(IsValidEventType(std::string("a") + character + "b"), expected || character == '.')
        << code;
  }
}

TEST(EventTypeTest, AllLengthsAndPlacesAreAlike) {
  for (size_t size = 1; size <= 26; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string type(size, 'z');
      for (int code = 0; code < 256; ++code) {
        type[at] = static_cast<char>(code);
        const bool dot_may_be = type[at] == '.' && at > 0 && at + 1 < size;
        EXPECT_EQ(IsValidEventType(type), IsTypeSegmentCharacter(type[at]) || dot_may_be)
            << code << " at " << at << " of " << size;
      }
      type[at] = '.';
      for (size_t other = 0; other < at; ++other) {
        std::string two = type;
        two[other] = '.';
        EXPECT_EQ(IsValidEventType(two), other > 0 && other + 1 < at && at + 1 < size) << two;
      }
    }
  }
}

TEST(EventTypeTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Complaint("User Login"),
            "type: \"User Login\" is not a valid type: character ' ' at offset 4 is not one of "
            "[A-Za-z0-9_-.]");
  EXPECT_EQ(Complaint("a..b"),
            "type: \"a..b\" is not a valid type: the segment at offset 2 is empty");
  EXPECT_EQ(Complaint("a."), "type: \"a.\" is not a valid type: the segment at offset 2 is empty");
  EXPECT_EQ(Complaint(Segments(17)), "type: \"" + Segments(17) +
                                         "\" is not a valid type: it has 17 segments, at most 16 "
                                         "are allowed");
  EXPECT_EQ(Complaint(std::string(300, 'x')),
            "type: \"" + std::string(64, 'x') +
                "\"… is not a valid type: it has 300 bytes, at most 255 are allowed");
  EXPECT_EQ(Complaint(""), "type: is required, a dotted name such as order.completed.v1");
}

}  // namespace
}  // namespace eventbus
