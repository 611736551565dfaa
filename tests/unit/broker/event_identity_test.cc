#include "server/broker/event_identity.h"

#include <string>

#include "gtest/gtest.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

std::string FrameOf(absl::string_view id, absl::string_view source) {
  std::string event;
  AppendLengthDelimitedField(5, "some attribute", &event);
  AppendLengthDelimitedField(2, source, &event);
  AppendLengthDelimitedField(6, std::string(300, 'x'), &event);
  AppendLengthDelimitedField(1, id, &event);
  AppendVarintField(99, 7, &event);
  std::string frame;
  AppendLengthDelimitedField(1, event, &frame);
  return frame;
}

TEST(EventIdentityTest, IsIdAndSourceWhereverTheyStand) {
  EXPECT_EQ(EventKey(FrameOf("order-1", "/billing")), "7:order-1/billing");
}

TEST(EventIdentityTest, NoTwoPairsHaveTheSame) {
  EXPECT_NE(EventKey(FrameOf("a", "bc")), EventKey(FrameOf("ab", "c")));
  EXPECT_NE(EventKey(FrameOf("a", "")), EventKey(FrameOf("", "a")));
}

}  // namespace
}  // namespace eventbus
