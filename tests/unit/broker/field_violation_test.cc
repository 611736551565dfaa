#include "server/broker/field_violation.h"

#include <string>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(FieldViolationTest, ReadsAsFieldAndDescription) {
  const FieldViolation violation{"type", "is required"};
  EXPECT_EQ(violation.ToString(), "type: is required");
  EXPECT_EQ(violation.Prefixed("events[3]").ToString(), "events[3].type: is required");
}

TEST(FieldViolationTest, OfTheWholeMessageTakesThePrefixAsItsField) {
  const FieldViolation violation{"", "the event is too large"};
  EXPECT_EQ(violation.ToString(), "the event is too large");
  EXPECT_EQ(violation.Prefixed("events[3]").field, "events[3]");
  EXPECT_EQ(violation.Prefixed("events[3]").ToString(), "events[3]: the event is too large");
}

TEST(QuoteForMessageTest, EscapesWhatIsNotPrintableAscii) {
  EXPECT_EQ(QuoteForMessage("User Login"), "\"User Login\"");
  EXPECT_EQ(QuoteForMessage("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(QuoteForMessage("\xff\"x"), "\"\\xff\\\"x\"");
}

TEST(QuoteForMessageTest, CutsLongValues) {
  EXPECT_EQ(QuoteForMessage(std::string(64, 'x')), "\"" + std::string(64, 'x') + "\"");
  EXPECT_EQ(QuoteForMessage(std::string(65, 'x')), "\"" + std::string(64, 'x') + "\"…");
}

TEST(DescribeCharacterTest, ShowsPrintableOnesAndNumbersTheRest) {
  EXPECT_EQ(DescribeCharacter('!'), "character '!'");
  EXPECT_EQ(DescribeCharacter('\n'), "byte 0x0a");
  EXPECT_EQ(DescribeCharacter('\xc3'), "byte 0xc3");
}

}  // namespace
}  // namespace eventbus
