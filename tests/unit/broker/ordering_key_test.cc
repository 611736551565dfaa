#include "server/broker/ordering_key.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/unit/broker/event_bytes.h"

namespace eventbus {
namespace {

std::string FrameOf(const EventBytes& event) {
  return EventBytes().Field(1, event.bytes()).bytes();
}
// Of CloudEventAttributeValue.
std::string Text(absl::string_view text) { return EventBytes().Field(3, text).bytes(); }
std::string Uri(absl::string_view text) { return EventBytes().Field(5, text).bytes(); }

TEST(OrderingKeyTest, IsThePartitionKeyElseTheSource) {
  EXPECT_EQ(OrderingKeyOf(FrameOf(EventBytes().Id("1").Source("/a").Type("t")), "eventbus"), "/a");
  EXPECT_EQ(OrderingKeyOf(FrameOf(EventBytes()
                                      .Id("1")
                                      .Attribute("other", Text("x"))
                                      .Attribute("partitionkey", Text("customer-7"))
                                      .Source("/a")
                                      .Type("t")),
                          "eventbus"),
            "customer-7");
}

TEST(OrderingKeyTest, AFilledInSourceIsNone) {
  EXPECT_EQ(OrderingKeyOf(FrameOf(EventBytes().Type("t").Source("eventbus")), "eventbus"), "");
  EXPECT_EQ(OrderingKeyOf(FrameOf(EventBytes().Type("t")), "eventbus"), "");
  EXPECT_EQ(
      OrderingKeyOf(
          FrameOf(EventBytes().Type("t").Source("eventbus").Attribute("partitionkey", Text("k"))),
          "eventbus"),
      "k");
}

TEST(OrderingKeyTest, WhatIsStrangeHasNone) {
  EXPECT_EQ(OrderingKeyOf("", "eventbus"), "");
  EXPECT_EQ(OrderingKeyOf("\x0a\x05nope", "eventbus"), "");
  // The door refuses these.
  EXPECT_EQ(OrderingKeyOf(FrameOf(EventBytes().Type("t").Attribute("partitionkey", Uri("u"))),
                          "eventbus"),
            "");
}

}  // namespace
}  // namespace eventbus
