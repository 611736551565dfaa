#include "server/broker/dead_letter.h"

#include "gtest/gtest.h"

namespace eventbus {
namespace {

TEST(DeadLetterTest, IsReadAsItWasWritten) {
  DeadLetterDetails details;
  details.position = {{1700000000000, 3}, 7};
  details.cause = DeadLetterCause::kCrashes;
  details.reasons = {"", "no such account", "\"quoted\""};
  details.attempts = 4;
  details.times_delivered = 9;
  details.first_delivery_ms = 1700000000001;
  details.dead_ms = 1700000009999;
  details.redriven = 2;
  details.instance = "a-1";
  details.subscriber = "billing-7";
  const auto read = DeadLetterDetails::FromJson(details.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, details);
}

TEST(DeadLetterTest, ANewerVersionMaySayMoreAndAnOlderLess) {
  const auto read = DeadLetterDetails::FromJson(R"({"position":"1-2-3","mood":"bad"})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->position, (Position{{1, 2}, 3}));
}

TEST(DeadLetterTest, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"position":"x"})", R"({"position":"1-2-3","attempts":"no"})"}) {
    EXPECT_EQ(DeadLetterDetails::FromJson(text).status().code(), absl::StatusCode::kDataLoss)
        << text;
  }
}

TEST(DeadLetterTest, AReasonThatIsNoTextIsMended) {
  DeadLetterDetails details;
  details.reasons = {"cut \xc3"};
  EXPECT_TRUE(DeadLetterDetails::FromJson(details.ToJson()).ok());
}

}  // namespace
}  // namespace eventbus
