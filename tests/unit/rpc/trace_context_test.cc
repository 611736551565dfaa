#include "server/rpc/trace_context.h"

#include <string>

#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(TraceContextTest, KnowsATraceparent) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(IsTraceparent(good));
  EXPECT_TRUE(IsTraceparent("01" + good.substr(2) + "-more"));
  EXPECT_FALSE(IsTraceparent(""));
  EXPECT_FALSE(IsTraceparent(good + "-more"));
  EXPECT_FALSE(IsTraceparent("ff" + good.substr(2)));
  EXPECT_FALSE(IsTraceparent(good.substr(1)));
  EXPECT_FALSE(IsTraceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
}

}  // namespace
}  // namespace eventbus
