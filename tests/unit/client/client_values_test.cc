// The client library's pure parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/cpp/src/convert.h"
#include "client/cpp/src/group_names.h"
#include "client/cpp/src/settle_buffer.h"
#include "client/cpp/src/status.h"
#include "eventbus/errors.h"
#include "eventbus/event.h"

namespace eventbus::client {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

TEST(GroupNameTest, IsTheServiceAndItsSortedPatterns) {
  EXPECT_EQ(*DurableGroupName("billing", {"order.*"}), "billing/order.*");
  EXPECT_EQ(*DurableGroupName("billing", {"b", "a", "b"}), "billing/a:b");
  EXPECT_EQ(*DurableGroupName("billing", {"a.+.b"}), "billing/a./1.b") << "a name holds no +";
}

TEST(GroupNameTest, TooManyPatternsForANameSayWhatToSet) {
  const absl::Status status =
      DurableGroupName("s",
                       std::vector<std::string>({std::string(200, 'a'), std::string(200, 'b')}))
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("SubscribeOptions::group"));
}

TEST(GroupNameTest, AServiceIsNoPath) {
  EXPECT_TRUE(CheckServiceName("billing-v2.eu:1").ok());
  EXPECT_FALSE(CheckServiceName("a/b").ok());
  EXPECT_FALSE(CheckServiceName("a b").ok());
  EXPECT_FALSE(CheckServiceName(std::string(101, 'a')).ok());
}

TEST(SettleBufferTest, NeighboursBecomeRangesInWhateverOrderTheyCame) {
  SettleBuffer buffer;
  for (const uint64_t number : {4, 1, 2, 9, 3, 11}) buffer.AddAck(number);
  buffer.AddRelease(6);
  buffer.AddRelease(5);
  v1::Settlement settlement;
  buffer.TakeInto(settlement);
  EXPECT_THAT(settlement.ack(), ElementsAre(9, 11));
  ASSERT_EQ(settlement.ack_ranges_size(), 1);
  EXPECT_EQ(settlement.ack_ranges(0).first(), 1u);
  EXPECT_EQ(settlement.ack_ranges(0).last(), 4u);
  ASSERT_EQ(settlement.releases_size(), 1);
  EXPECT_EQ(settlement.releases(0).first(), 5u);
  EXPECT_TRUE(buffer.empty());
  settlement.Clear();
  buffer.TakeInto(settlement);
  EXPECT_EQ(settlement.ByteSizeLong(), 0u);
}

TEST(SettleBufferTest, ANacksReasonIsCutToTheContractsLimit) {
  SettleBuffer buffer;
  buffer.AddNack(7, Settle::Nack(std::string(5000, 'x'), absl::Milliseconds(1500)));
  v1::Settlement settlement;
  buffer.TakeInto(settlement);
  ASSERT_EQ(settlement.nacks_size(), 1);
  EXPECT_EQ(settlement.nacks(0).reason().size(), 1024u);
  EXPECT_EQ(settlement.nacks(0).delay().seconds(), 1);
  EXPECT_EQ(settlement.nacks(0).delay().nanos(), 500'000'000);
}

TEST(ErrorsTest, AnEventErrorReadsLikeAFailedCall) {
  v1::EventError error;
  error.set_code(3);
  error.set_reason(v1::ERROR_REASON_INVALID_FIELD);
  error.set_field("type");
  error.set_message("type: no");
  const absl::Status status = FromEventError(error);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(GetErrorField(status), "type");
  EXPECT_FALSE(GetRetryDelay(status).has_value());
}

TEST(ErrorsTest, AStatusWithoutDetailsHasNoReason) {
  EXPECT_EQ(GetErrorReason(absl::UnavailableError("x")), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(GetErrorField(absl::OkStatus()), "");
}

TEST(ErrorsTest, UnimplementedIsPermanentAndUnavailableIsNot) {
  EXPECT_TRUE(IsPermanent(absl::UnimplementedError("")));
  EXPECT_TRUE(IsPermanent(absl::InvalidArgumentError("")));
  EXPECT_FALSE(IsPermanent(absl::UnavailableError("")));
  EXPECT_FALSE(IsPermanent(absl::AbortedError("")));
}

TEST(PositionTest, CountsOnInItsLastPart) {
  EXPECT_EQ(PositionAfter("17-3-9", 0), "17-3-9");
  EXPECT_EQ(PositionAfter("17-3-9", 2), "17-3-11");
  EXPECT_EQ(PositionAfter("opaque", 2), "opaque");
}

TEST(EventIdTest, IsAUuidOfVersion7AndRises) {
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = NewEventId();
    ASSERT_LT(last, id);
    last = id;
  }
  EXPECT_THAT(last,
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST(EventTest, JsonTravelsAsBinaryDataWithItsMediaType) {
  const Event event = MakeJsonEvent("a.b", "{\"x\": 1.0}");
  EXPECT_EQ(event.binary_data(), "{\"x\": 1.0}");
  EXPECT_EQ(GetAttribute(event, "datacontenttype"), "application/json");
  EXPECT_EQ(GetData(event), "{\"x\": 1.0}");
  EXPECT_NE(event.id(), "");
  EXPECT_EQ(GetAttribute(event, "absent"), "");
}

}  // namespace
}  // namespace eventbus::client
