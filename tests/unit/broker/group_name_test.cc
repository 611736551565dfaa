#include "server/broker/group_name.h"

#include <string>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(GroupNameTest, OnlyTheDocumentedCharactersAreAllowed) {
  const std::string allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/*-";
  for (int code = 0; code < 256; ++code) {
    const std::string name(1, static_cast<char>(code));
    EXPECT_EQ(IsValidGroupName(name), allowed.find(name) != std::string::npos) << code;
  }
}

TEST(GroupNameTest, HasOneTo255Bytes) {
  EXPECT_FALSE(IsValidGroupName(""));
  EXPECT_TRUE(IsValidGroupName("analytics/billing.*"));
  EXPECT_TRUE(IsValidGroupName(std::string(255, 'g')));
  EXPECT_FALSE(IsValidGroupName(std::string(256, 'g')));
}

TEST(GroupNameTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(CheckGroupName("my group")->ToString(),
            "group: \"my group\" is not a valid group name: character ' ' at offset 2 is not one "
            "of [A-Za-z0-9_.:/*-]");
  EXPECT_EQ(CheckGroupName("", "open.group")->ToString(), "open.group: is required");
  EXPECT_FALSE(CheckGroupName("billing").has_value());
}

}  // namespace
}  // namespace eventbus
