#include "server/rpc/settlement.h"

#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

using Ranges = std::vector<DeliveryRange>;

TEST(SettlementTest, NumbersInARowBecomeOneRange) {
  v1::Settlement settlement;
  for (const uint64_t number : {1, 2, 3, 7, 8, 5}) settlement.add_ack(number);
  const absl::StatusOr<SettleCommand> command = ReadSettlement(settlement);
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->acks, (Ranges{{1, 3}, {7, 8}, {5, 5}}));
}

TEST(SettlementTest, InvertedRangesAreEmpty) {
  v1::Settlement settlement;
  v1::DeliveryRange& inverted = *settlement.add_ack_ranges();
  inverted.set_first(5);
  inverted.set_last(4);
  v1::DeliveryRange& release = *settlement.add_releases();
  release.set_first(6);
  release.set_last(9);
  settlement.set_confirm(3);
  const absl::StatusOr<SettleCommand> command = ReadSettlement(settlement);
  ASSERT_TRUE(command.ok());
  EXPECT_TRUE(command->acks.empty());
  EXPECT_EQ(command->releases, (Ranges{{6, 9}}));
  EXPECT_EQ(command->confirm, 3u);
}

TEST(SettlementTest, HighestNumberDoesNotRunOver) {
  v1::Settlement settlement;
  settlement.add_ack(UINT64_MAX);
  settlement.add_ack(0);
  EXPECT_EQ(ReadSettlement(settlement)->acks, (Ranges{{UINT64_MAX, UINT64_MAX}, {0, 0}}));
}

TEST(SettlementTest, WhatIsNotImplementedIsRefusedByName) {
  v1::Settlement nack;
  nack.add_nacks();
  EXPECT_TRUE(absl::StartsWith(ReadSettlement(nack).status().message(), "settle.nacks is not"));
  v1::SettleRequest extension;
  extension.add_extensions();
  EXPECT_TRUE(
      absl::StartsWith(ReadSettleRequest(extension).status().message(), "extensions is not"));
}

TEST(SettlementTest, TokensAreReadAndBadOnesNamed) {
  DeliveryToken token;
  token.group = {"g", 1};
  token.stream = "s";
  v1::SettleRequest request;
  request.add_ack(token.Encode());
  request.add_release("no token");
  const absl::Status status = ReadSettleRequest(request).status();
  EXPECT_EQ(ReasonOf(status), Reason::kBadPosition);
  EXPECT_TRUE(absl::StartsWith(status.message(), "release[0]: ")) << status;

  request.set_release(0, token.Encode());
  const absl::StatusOr<TokenSettleCommand> command = ReadSettleRequest(request);
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->acks, std::vector<DeliveryToken>{token});
  EXPECT_EQ(command->releases, std::vector<DeliveryToken>{token});
}

TEST(SettlementTest, MoreTokensThanTheLimitAreRefused) {
  DeliveryToken token;
  token.group = {"g", 1};
  token.stream = "s";
  v1::SettleRequest request;
  for (int i = 0; i < 10'001; ++i) request.add_ack(token.Encode());
  EXPECT_EQ(ReasonOf(ReadSettleRequest(request).status()), Reason::kInvalidField);
}

TEST(SettlementTest, AnswerNamesTheTokensThatCouldNotBeSettled) {
  v1::SettleRequest request;
  request.add_ack("a");
  request.add_ack("b");
  request.add_release("c");
  TokenSettlement settlement;
  settlement.done = 1;
  settlement.others = {{1, TokenSettlement::Problem::kTooLate},
                       {2, TokenSettlement::Problem::kUnknown}};
  const v1::SettleResponse response = WriteSettleResponse(request, settlement);
  EXPECT_EQ(response.done(), 1u);
  ASSERT_EQ(response.others_size(), 2);
  EXPECT_EQ(response.others(0).token(), "b");
  EXPECT_EQ(response.others(0).outcome(), v1::SETTLE_OUTCOME_TOO_LATE);
  EXPECT_EQ(response.others(1).token(), "c");
  EXPECT_EQ(response.others(1).outcome(), v1::SETTLE_OUTCOME_UNKNOWN);
}

}  // namespace
}  // namespace eventbus
