#include "server/rpc/settlement.h"

#include <optional>
#include <string>
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

TEST(SettlementTest, NacksRejectsAndExtensionsAreReadWithWhatTheySay) {
  v1::Settlement settlement;
  v1::Nack& nack = *settlement.add_nacks();
  nack.add_deliveries()->set_first(1);
  nack.mutable_deliveries(0)->set_last(2);
  nack.mutable_delay()->set_seconds(7);
  nack.set_reason("busy");
  settlement.add_nacks();
  v1::Reject& reject = *settlement.add_rejects();
  reject.add_deliveries()->set_first(3);
  reject.mutable_deliveries(0)->set_last(3);
  reject.set_reason("bad");
  v1::Extension& extension = *settlement.add_extensions();
  extension.add_deliveries()->set_first(4);
  extension.mutable_deliveries(0)->set_last(4);
  extension.mutable_deadline()->set_seconds(90);
  const absl::StatusOr<SettleCommand> command = ReadSettlement(settlement);
  ASSERT_TRUE(command.ok()) << command.status();
  ASSERT_EQ(command->nacks.size(), 2u);
  EXPECT_EQ(command->nacks[0].deliveries, (Ranges{{1, 2}}));
  EXPECT_EQ(command->nacks[0].delay, absl::Seconds(7));
  EXPECT_EQ(command->nacks[0].reason, "busy");
  EXPECT_EQ(command->nacks[1].delay, std::nullopt);
  ASSERT_EQ(command->rejects.size(), 1u);
  EXPECT_EQ(command->rejects[0].deliveries, (Ranges{{3, 3}}));
  EXPECT_EQ(command->rejects[0].reason, "bad");
  ASSERT_EQ(command->extensions.size(), 1u);
  EXPECT_EQ(command->extensions[0].deadline, absl::Seconds(90));
}

TEST(SettlementTest, TimesOutOfRangeAreRefusedAndNamed) {
  v1::Settlement late;
  late.add_nacks();
  late.add_nacks()->mutable_delay()->set_seconds(8 * 24 * 3600);
  EXPECT_TRUE(absl::StartsWith(ReadSettlement(late).status().message(), "settle.nacks[1].delay: "))
      << ReadSettlement(late).status();
  v1::Settlement brief;
  brief.add_extensions()->mutable_deadline()->set_nanos(1);
  EXPECT_TRUE(absl::StartsWith(ReadSettlement(brief).status().message(),
                               "settle.extensions[0].deadline: "));
  v1::SettleRequest by_token;
  by_token.add_nacks()->mutable_delay()->set_seconds(-1);
  EXPECT_TRUE(absl::StartsWith(ReadSettleRequest(by_token).status().message(), "nacks[0].delay: "));
}

TEST(SettlementTest, ALongReasonIsCutBetweenCharacters) {
  v1::Settlement settlement;
  settlement.add_rejects()->set_reason(std::string(1023, 'x') + "\u00e4 and more");
  const absl::StatusOr<SettleCommand> command = ReadSettlement(settlement);
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->rejects[0].reason, std::string(1023, 'x'));
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
  ASSERT_EQ(command->parts.size(), 2u);
  EXPECT_EQ(command->parts[0].action.kind, SettleAction::Kind::kAck);
  EXPECT_EQ(command->parts[0].tokens, std::vector<DeliveryToken>{token});
  EXPECT_EQ(command->parts[1].action.kind, SettleAction::Kind::kRelease);
  EXPECT_EQ(command->parts[1].tokens, std::vector<DeliveryToken>{token});

  v1::SettleRequest nested;
  nested.add_nacks()->add_tokens(token.Encode());
  nested.mutable_nacks(0)->add_tokens("no token");
  EXPECT_TRUE(
      absl::StartsWith(ReadSettleRequest(nested).status().message(), "nacks[0].tokens[1]: "));
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
  request.add_nacks()->add_tokens("n");
  request.add_release("c");
  TokenSettlement settlement;
  settlement.done = 1;
  settlement.others = {{1, TokenSettlement::Problem::kTooLate},
                       {3, TokenSettlement::Problem::kUnknown}};
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
