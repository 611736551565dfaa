#include "server/rpc/delivery_encoder.h"

#include <memory>
#include <string>
#include <utility>

#include "eventbus/v1/broker.pb.h"
#include "gtest/gtest.h"
#include "server/broker/delivery_token.h"
#include "server/rpc/rpc_options.h"
#include "tests/unit/rpc/buffers.h"

namespace eventbus {
namespace {

// An entry of events with ids first, first + 1, … and `data_bytes` of data each.
DeliveryRun RunOf(uint32_t count, size_t data_bytes = 10, uint64_t first_delivery = 0) {
  v1::DeliveryBatch frames;
  for (uint32_t i = 0; i < count; ++i) {
    v1::Event& event = *frames.add_events();
    event.set_id(std::to_string(i));
    event.set_type("order.created");
    event.set_binary_data(std::string(data_bytes, 'x'));
  }
  DeliveryRun run;
  run.events = Bytes::FromString(frames.SerializeAsString());
  run.count = count;
  run.first_delivery = first_delivery;
  run.stream = std::make_shared<const std::string>("order.created");
  run.position = Position{{1'700'000'000'123, 4}, 0};
  return run;
}

TEST(DeliveryEncoderTest, GeneratedClassReadsEveryField) {
  DeliveryRun run = RunOf(3, 10, 41);
  run.position.index = 2;
  run.attempt = 2;
  run.times_delivered = 5;
  run.last_reason = "no luck";
  run.redriven = true;
  std::deque<DeliveryRun> runs = {run};
  const DeliveryMessage message = EncodeDeliveries({}, kMaxServerMessageBytes, &runs);
  EXPECT_EQ(message.events, 3u);
  EXPECT_EQ(message.event_bytes, run.events.size());
  EXPECT_TRUE(runs.empty());

  const auto response = Parsed<v1::SubscribeResponse>(message.bytes);
  ASSERT_EQ(response.deliveries().batches_size(), 1);
  const v1::DeliveryBatch& batch = response.deliveries().batches(0);
  ASSERT_EQ(batch.events_size(), 3);
  EXPECT_EQ(batch.events(2).id(), "2");
  EXPECT_EQ(batch.first_delivery(), 41u);
  EXPECT_EQ(batch.stream(), "order.created");
  EXPECT_EQ(batch.position(), "1700000000123-4-2");
  EXPECT_EQ(batch.attempt(), 2u);
  EXPECT_EQ(batch.times_delivered(), 5u);
  EXPECT_EQ(batch.stored_time().seconds(), 1'700'000'000);
  EXPECT_EQ(batch.stored_time().nanos(), 123'000'000);
  EXPECT_EQ(batch.last_reason(), "no luck");
  EXPECT_TRUE(batch.redriven());
  EXPECT_EQ(batch.tokens_size(), 0);
}

TEST(DeliveryEncoderTest, LargeRunsAreSplicedByReference) {
  std::deque<DeliveryRun> runs = {RunOf(1, 100'000)};
  const char* const stored = runs.front().events.data();
  const DeliveryMessage message = EncodeDeliveries({}, kMaxServerMessageBytes, &runs);
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(message.bytes.Dump(&slices).ok());
  EXPECT_EQ(reinterpret_cast<const char*>(slices.back().begin()), stored);
  EXPECT_EQ(Parsed<v1::SubscribeResponse>(message.bytes).deliveries().batches(0).events_size(), 1);
}

TEST(DeliveryEncoderTest, ReceiverOfAGroupGetsATokenForEachEventAndNoNumbers) {
  DeliveryRun run = RunOf(2, 10, 7);
  run.attempt = 1;
  run.times_delivered = 3;
  run.generation = 9;
  std::deque<DeliveryRun> runs = {run};
  const DeliveryMessage message =
      EncodeDeliveries({/*tokens=*/true, "analytics"}, kMaxServerMessageBytes, &runs);
  const auto response = Parsed<v1::ReceiveResponse>(message.bytes);
  const v1::DeliveryBatch& batch = response.deliveries().batches(0);
  EXPECT_EQ(batch.first_delivery(), 0u);
  ASSERT_EQ(batch.tokens_size(), 2);
  const absl::StatusOr<DeliveryToken> second = DeliveryToken::Decode(batch.tokens(1));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->group, (GroupKey{"analytics", 9}));
  EXPECT_EQ(second->stream, "order.created");
  EXPECT_EQ(second->position, (Position{{1'700'000'000'123, 4}, 1}));
  EXPECT_EQ(second->times_delivered, 3u);
}

TEST(DeliveryEncoderTest, TailOverReceiveGetsNoTokens) {
  std::deque<DeliveryRun> runs = {RunOf(2)};
  const DeliveryMessage message =
      EncodeDeliveries({/*tokens=*/true, ""}, kMaxServerMessageBytes, &runs);
  EXPECT_EQ(Parsed<v1::ReceiveResponse>(message.bytes).deliveries().batches(0).tokens_size(), 0);
}

TEST(DeliveryEncoderTest, MessageStaysWithinItsBoundAndTheRestWaits) {
  std::deque<DeliveryRun> runs;
  for (int i = 0; i < 10; ++i) runs.push_back(RunOf(1, 1000));
  const DeliveryMessage message = EncodeDeliveries({}, 3500, &runs);
  EXPECT_LE(message.bytes.Length(), 3500u);
  EXPECT_EQ(message.events, 3u);
  EXPECT_EQ(runs.size(), 7u);
}

TEST(DeliveryEncoderTest, RunThatDoesNotFitIsSplitBetweenEvents) {
  for (const bool tokens : {false, true}) {
    std::deque<DeliveryRun> runs = {RunOf(100, 1000, 1)};
    uint64_t next = 0;
    while (!runs.empty()) {
      const DeliveryMessage message = EncodeDeliveries({tokens, "g"}, 10'000, &runs);
      EXPECT_LE(message.bytes.Length(), 10'000u);
      const auto response = Parsed<v1::SubscribeResponse>(message.bytes);
      const v1::DeliveryBatch& batch = response.deliveries().batches(0);
      EXPECT_EQ(batch.position(), "1700000000123-4-" + std::to_string(next));
      EXPECT_EQ(batch.first_delivery(), tokens ? 0 : 1 + next);
      for (const v1::Event& event : batch.events()) EXPECT_EQ(event.id(), std::to_string(next++));
      EXPECT_TRUE(runs.empty() || batch.events_size() >= 5);
    }
    EXPECT_EQ(next, 100u);
  }
}

TEST(DeliveryEncoderTest, SingleEventAboveTheBoundGoesAllTheSame) {
  std::deque<DeliveryRun> runs = {RunOf(2, 1000)};
  const DeliveryMessage message = EncodeDeliveries({}, 100, &runs);
  EXPECT_EQ(message.events, 1u);
  EXPECT_EQ(runs.front().count, 1u);
}

TEST(DeliveryEncoderTest, AnAnswerToPullHasTokensAndTheDeadline) {
  DeliveryRun run = RunOf(2, 10);
  run.attempt = 1;
  run.times_delivered = 1;
  std::deque<DeliveryRun> runs = {run};
  const absl::Time deadline = absl::FromUnixMillis(1'700'000'030'500);
  const auto response =
      Parsed<v1::PullResponse>(EncodePullResponse("work", deadline, kMaxServerMessageBytes, &runs));
  ASSERT_EQ(response.batches_size(), 1);
  EXPECT_EQ(response.batches(0).events(1).id(), "1");
  EXPECT_EQ(response.batches(0).first_delivery(), 0u);
  ASSERT_EQ(response.batches(0).tokens_size(), 2);
  DeliveryToken token = FirstTokenOf("work", run);
  EXPECT_EQ(response.batches(0).tokens(0), token.Encode());
  ++token.position.index;
  EXPECT_EQ(response.batches(0).tokens(1), token.Encode());
  EXPECT_EQ(response.lease_deadline().seconds(), 1'700'000'030);
  EXPECT_EQ(response.lease_deadline().nanos(), 500'000'000);
  EXPECT_TRUE(runs.empty());
}

TEST(DeliveryEncoderTest, AnEmptyAnswerToPullHasNothing) {
  std::deque<DeliveryRun> runs;
  const auto response = Parsed<v1::PullResponse>(
      EncodePullResponse("work", absl::InfinitePast(), kMaxServerMessageBytes, &runs));
  EXPECT_EQ(response.ByteSizeLong(), 0u);
}

TEST(DeliveryEncoderTest, AnAnswerToPullKeepsToTheBoundAndLeavesTheRest) {
  // Long names make long tokens: a thousand events of little data do not fit.
  DeliveryRun run = RunOf(1000, 3000);
  run.stream = std::make_shared<const std::string>(255, 's');
  std::deque<DeliveryRun> runs = {run};
  const grpc::ByteBuffer bytes = EncodePullResponse(std::string(255, 'g'), absl::FromUnixMillis(1),
                                                    kMaxServerMessageBytes, &runs);
  EXPECT_LE(bytes.Length(), kMaxServerMessageBytes);
  const auto response = Parsed<v1::PullResponse>(bytes);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(response.batches(0).events_size() + runs.front().count, 1000u);
  EXPECT_GT(response.batches(0).events_size(), 500);
}

}  // namespace
}  // namespace eventbus
