#include "server/rpc/outbox.h"

#include <memory>
#include <string>
#include <vector>

#include "eventbus/v1/broker.pb.h"
#include "gtest/gtest.h"
#include "server/rpc/message_slices.h"
#include "tests/unit/rpc/buffers.h"

namespace eventbus {
namespace {

class OutboxTest : public testing::Test {
 protected:
  static DeliveryRun Run(const std::string& id) {
    v1::DeliveryBatch frames;
    frames.add_events()->set_id(id);
    DeliveryRun run;
    run.events = Bytes::FromString(frames.SerializeAsString());
    run.count = 1;
    run.stream = std::make_shared<const std::string>("s");
    return run;
  }
  // The next message: its text if it is a plain one, the ids of its events otherwise.
  std::string Next() {
    DeliveryMessage message = outbox_.Take();
    if (message.events == 0) return TextOf(message.bytes);
    std::string ids;
    const auto response = Parsed<v1::SubscribeResponse>(message.bytes);
    for (const v1::DeliveryBatch& batch : response.deliveries().batches()) {
      for (const v1::Event& event : batch.events()) ids += event.id();
    }
    return ids;
  }
  void Open() {
    outbox_.AddMessage(BufferOf("opened"));
    EXPECT_EQ(Next(), "opened");
  }

  Outbox outbox_;
};

TEST_F(OutboxTest, DeliveriesThatWaitTogetherShareAMessage) {
  Open();
  outbox_.AddDeliveries({Run("1"), Run("2")});
  outbox_.AddDeliveries({Run("3")});
  EXPECT_EQ(Next(), "123");
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, WithABatchShapeEachHandOverIsAMessage) {
  outbox_.SetFormat({}, /*keep_batches=*/true);
  Open();
  outbox_.AddDeliveries({Run("1"), Run("2")});
  outbox_.AddDeliveries({Run("3")});
  EXPECT_EQ(Next(), "12");
  EXPECT_EQ(Next(), "3");
}

TEST_F(OutboxTest, MessagesKeepTheirPlaceAmongDeliveries) {
  Open();
  outbox_.AddDeliveries({Run("1")});
  outbox_.AddMessage(BufferOf("settled"));
  outbox_.AddDeliveries({Run("2")});
  EXPECT_EQ(outbox_.waiting_messages(), 1u);
  EXPECT_EQ(Next(), "1");
  EXPECT_EQ(Next(), "settled");
  EXPECT_EQ(outbox_.waiting_messages(), 0u);
  EXPECT_EQ(Next(), "2");
}

TEST_F(OutboxTest, OnlyTheLatestPingAndPongWaitAndTheyGoFirst) {
  Open();
  outbox_.AddDeliveries({Run("1")});
  outbox_.SetPing(BufferOf("ping 1"));
  outbox_.SetPing(BufferOf("ping 2"));
  outbox_.SetPong(BufferOf("pong 1"));
  outbox_.SetPong(BufferOf("pong 2"));
  EXPECT_EQ(Next(), "pong 2");
  EXPECT_EQ(Next(), "ping 2");
  EXPECT_EQ(Next(), "1");
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, NothingGoesBeforeTheFirstMessage) {
  outbox_.SetPong(BufferOf("pong"));
  EXPECT_TRUE(outbox_.empty());
  Open();
  EXPECT_EQ(Next(), "pong");
}

TEST_F(OutboxTest, DroppedDeliveriesLeaveTheMessages) {
  Open();
  outbox_.AddDeliveries({Run("1")});
  outbox_.AddMessage(BufferOf("drain"));
  outbox_.AddDeliveries({Run("2")});
  outbox_.DropDeliveries();
  EXPECT_EQ(Next(), "drain");
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, BacklogBeyondOneMessageGoesInSeveral) {
  Open();
  v1::DeliveryBatch frames;
  frames.add_events()->set_binary_data(std::string(1 << 20, 'x'));
  DeliveryRun large;
  large.events = Bytes::FromString(frames.SerializeAsString());
  large.count = 1;
  large.stream = std::make_shared<const std::string>("s");
  outbox_.AddDeliveries(std::vector<DeliveryRun>(8, large));
  uint64_t events = 0;
  int messages = 0;
  while (!outbox_.empty()) {
    const DeliveryMessage message = outbox_.Take();
    EXPECT_LE(message.bytes.Length(), 3584u << 10);
    events += message.events;
    ++messages;
  }
  EXPECT_EQ(events, 8u);
  EXPECT_EQ(messages, 3);
}

}  // namespace
}  // namespace eventbus
