#include "server/rpc/subscriber_messages.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/rpc/rpc_options.h"
#include "tests/unit/rpc/buffers.h"

namespace eventbus {
namespace {

TEST(SubscriberMessagesTest, SubscribersHearOfLostLeasesByNumber) {
  const auto messages = SubscribeMessages().Lost({{1, 3}, {7, 7}}, LostReason::kTakenOver, "why");
  ASSERT_EQ(messages.size(), 1u);
  const auto lost = Parsed<v1::SubscribeResponse>(messages[0]).lost();
  ASSERT_EQ(lost.deliveries_size(), 2);
  EXPECT_EQ(lost.deliveries(0).first(), 1u);
  EXPECT_EQ(lost.deliveries(0).last(), 3u);
  EXPECT_EQ(lost.reason(), v1::LOST_REASON_TAKEN_OVER);
  EXPECT_EQ(lost.message(), "why");
  EXPECT_TRUE(SubscribeMessages().TokensLost({{}}, LostReason::kTakenOver, "").empty());
}

TEST(SubscriberMessagesTest, ReceiversHearOfLostLeasesByToken) {
  std::vector<DeliveryToken> tokens(2);
  tokens[0] = {{"g", 1}, "order.placed", {{5, 6}, 7}, 1, 2};
  tokens[1] = {{"g", 1}, "order.placed", {{5, 6}, 8}, 1, 2};
  const auto messages = ReceiveMessages().TokensLost(tokens, LostReason::kTakenOver, "why");
  ASSERT_EQ(messages.size(), 1u);
  const auto lost = Parsed<v1::ReceiveResponse>(messages[0]).lost();
  ASSERT_EQ(lost.tokens_size(), 2);
  EXPECT_EQ(lost.tokens(0), tokens[0].Encode());
  EXPECT_EQ(lost.tokens(1), tokens[1].Encode());
  EXPECT_EQ(lost.reason(), v1::LOST_REASON_TAKEN_OVER);
  EXPECT_EQ(lost.message(), "why");
  EXPECT_TRUE(ReceiveMessages().Lost({{1, 2}}, LostReason::kTakenOver, "").empty());
}

TEST(SubscriberMessagesTest, ManyLostLeasesStayBelowTheBoundOnMessages) {
  const DeliveryToken token = {
      {std::string(255, 'g'), 1}, std::string(255, 's'), {{5, 6}, 7}, 1, 2};
  int told = 0;
  for (const grpc::ByteBuffer& one : ReceiveMessages().TokensLost(
           std::vector<DeliveryToken>(20'000, token), LostReason::kTakenOver, "")) {
    EXPECT_LE(one.Length(), kMaxServerMessageBytes);
    told += Parsed<v1::ReceiveResponse>(one).lost().tokens_size();
  }
  EXPECT_EQ(told, 20'000);

  told = 0;
  const DeliveryRange range{UINT64_MAX, UINT64_MAX};
  for (const grpc::ByteBuffer& one : SubscribeMessages().Lost(
           std::vector<DeliveryRange>(250'000, range), LostReason::kTakenOver, "")) {
    EXPECT_LE(one.Length(), kMaxServerMessageBytes);
    told += Parsed<v1::SubscribeResponse>(one).lost().deliveries_size();
  }
  EXPECT_EQ(told, 250'000);
}

}  // namespace
}  // namespace eventbus
