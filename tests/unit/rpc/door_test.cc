#include "server/rpc/door.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "eventbus/rpc/details.pb.h"
#include "eventbus/v1/broker.pb.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "tests/unit/rpc/buffers.h"

namespace eventbus {
namespace {

using Kind = PublishEnvelope::Kind;

v1::Event Minimal(const std::string& type) {
  v1::Event event;
  event.set_type(type);
  return event;
}

v1::Event Complete(const std::string& type) {
  v1::Event event = Minimal(type);
  event.set_id("my-id");
  event.set_source("/me");
  event.set_spec_version("1.0");
  (*event.mutable_attributes())["time"].mutable_ce_timestamp()->set_seconds(1);
  return event;
}

class DoorTest : public testing::Test {
 protected:
  absl::StatusOr<CheckedEvents> Check(const grpc::ByteBuffer& buffer, Kind kind,
                                      const TraceContext& trace = {}) {
    const RequestBytes bytes(buffer);
    PublishEnvelope envelope;
    if (absl::Status status = ReadPublishEnvelope(kind, bytes.view(), &envelope); !status.ok()) {
      return status;
    }
    return Door(options_).Check(bytes, envelope, trace, /*want_ids=*/true);
  }
  absl::StatusOr<CheckedEvents> CheckBatch(const std::vector<v1::Event>& events) {
    v1::PublishBatchRequest request;
    for (const v1::Event& event : events) *request.add_events() = event;
    return Check(InOnePiece(request.SerializeAsString()), Kind::kBatch);
  }

  RpcOptions options_;
};

// The events of a command as a subscriber would see them; checks what the items say on the way.
std::vector<v1::Event> EventsOf(const PublishCommand& command) {
  std::vector<v1::Event> events;
  uint32_t end = 0;
  for (size_t i = 0; i < command.items.size(); ++i) {
    const PublishItem& item = command.items[i];
    EXPECT_EQ(item.begin, end);
    end = item.end;
    v1::DeliveryBatch frame;
    const absl::string_view bytes = command.framed.view().substr(item.begin, item.end - item.begin);
    EXPECT_TRUE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    EXPECT_EQ(frame.events_size(), 1);
    EXPECT_EQ(command.type(i), frame.events(0).type());
    events.push_back(frame.events(0));
  }
  EXPECT_EQ(end, command.framed.size());
  return events;
}

TEST_F(DoorTest, WhatIsAbsentIsFilledIn) {
  options_.default_source = "/default";
  const absl::StatusOr<CheckedEvents> checked = CheckBatch({Minimal("a.b"), Minimal("c.d")});
  ASSERT_TRUE(checked.ok());
  const std::vector<v1::Event> events = EventsOf(checked->command);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].id().size(), 36u);
  EXPECT_LT(events[0].id(), events[1].id());
  EXPECT_EQ(events[0].id(), checked->ids[0]);
  EXPECT_EQ(events[1].id(), checked->ids[1]);
  EXPECT_EQ(events[0].source(), "/default");
  EXPECT_EQ(events[0].spec_version(), "1.0");
  EXPECT_GT(events[0].attributes().at("time").ce_timestamp().seconds(), 1'600'000'000);
}

TEST_F(DoorTest, WhatIsThereStays) {
  v1::Event event = Complete("a.b");
  event.set_binary_data("data");
  const absl::StatusOr<CheckedEvents> checked = CheckBatch({event, Minimal("c")});
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(EventsOf(checked->command)[0].SerializeAsString(), event.SerializeAsString());
  EXPECT_EQ(checked->ids[0], "my-id");
}

TEST_F(DoorTest, EmptyFieldsCountAsAbsentAndTheTypeIsStillFound) {
  std::string event("\x0a\x00\x12\x00", 4);
  event += Minimal("a.b").SerializeAsString();
  const std::string request =
      absl::StrCat(std::string("\x0a") + static_cast<char>(event.size()), event);
  const absl::StatusOr<CheckedEvents> checked = Check(InOnePiece(request), Kind::kPublish);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(EventsOf(checked->command)[0].source(), "eventbus");
}

TEST_F(DoorTest, CompleteEventsBackToBackAreNotCopied) {
  v1::PublishStreamRequest request;
  for (int i = 0; i < 3; ++i) *request.add_events() = Complete(absl::StrCat("t", i));
  request.set_sequence(7);
  const std::string bytes = request.SerializeAsString();
  // Two pieces, which are put together once: that copy is kept.
  const RequestBytes message(InTwoPieces(bytes, 20));
  PublishEnvelope envelope;
  ASSERT_TRUE(ReadPublishEnvelope(Kind::kStream, message.view(), &envelope).ok());
  const absl::StatusOr<CheckedEvents> checked = Door(options_).Check(message, envelope, {}, true);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->command.framed.data(), message.view().data());
  EXPECT_EQ(EventsOf(checked->command).size(), 3u);
  EXPECT_EQ(checked->ids[2], "my-id");
}

TEST_F(DoorTest, PieceOfALargerBufferIsNotKept) {
  v1::PublishRequest request;
  *request.mutable_event() = Complete("a");
  const RequestBytes message(InOnePiece(request.SerializeAsString()));
  PublishEnvelope envelope;
  ASSERT_TRUE(ReadPublishEnvelope(Kind::kPublish, message.view(), &envelope).ok());
  const absl::StatusOr<CheckedEvents> checked = Door(options_).Check(message, envelope, {}, true);
  ASSERT_TRUE(checked.ok());
  EXPECT_NE(checked->command.framed.data(), message.view().data());
}

TEST_F(DoorTest, FieldsBetweenTheEventsAreLeftOut) {
  v1::PublishBatchRequest one;
  *one.add_events() = Complete("a");
  v1::PublishBatchRequest options;
  options.mutable_options();
  const std::string bytes =
      one.SerializeAsString() + options.SerializeAsString() + one.SerializeAsString();
  const absl::StatusOr<CheckedEvents> checked = Check(InTwoPieces(bytes, 10), Kind::kBatch);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(EventsOf(checked->command).size(), 2u);
}

TEST_F(DoorTest, TraceOfTheCallBecomesTheEventsUnlessItHasOne) {
  v1::Event traced = Minimal("b");
  (*traced.mutable_attributes())["traceparent"].set_ce_string("its own");
  v1::PublishBatchRequest request;
  *request.add_events() = Complete("a");
  *request.add_events() = traced;
  const absl::StatusOr<CheckedEvents> checked =
      Check(InOnePiece(request.SerializeAsString()), Kind::kBatch, {"the-parent", "the-state"});
  ASSERT_TRUE(checked.ok());
  const std::vector<v1::Event> events = EventsOf(checked->command);
  EXPECT_EQ(events[0].attributes().at("traceparent").ce_string(), "the-parent");
  EXPECT_EQ(events[0].attributes().at("tracestate").ce_string(), "the-state");
  EXPECT_EQ(events[1].attributes().at("traceparent").ce_string(), "its own");
  EXPECT_FALSE(events[1].attributes().contains("tracestate"));
}

TEST_F(DoorTest, EveryBadEventIsNamed) {
  const absl::Status status =
      CheckBatch({Minimal("a"), Minimal("Bad Type!"), Minimal("b"), Minimal("")}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  EXPECT_TRUE(absl::StartsWith(status.message(), "events[1].type: \"Bad Type!\"")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "(and 1 more)")) << status;
}

TEST_F(DoorTest, EventOfPublishIsNamedWithoutIndex) {
  v1::PublishRequest request;
  *request.mutable_event() = Minimal("a..b");
  const absl::Status status =
      Check(InOnePiece(request.SerializeAsString()), Kind::kPublish).status();
  EXPECT_TRUE(absl::StartsWith(status.message(), "event.type: ")) << status;
}

TEST_F(DoorTest, NothingToPublishIsRefused) {
  EXPECT_EQ(FieldOf(CheckBatch({}).status()), "events");
  EXPECT_EQ(FieldOf(Check(grpc::ByteBuffer(), Kind::kPublish).status()), "event");
}

TEST_F(DoorTest, LimitsAreNamedWithTheirSettings) {
  options_.max_event_bytes = 100;
  options_.max_batch_events = 3;
  options_.max_batch_bytes = 250;
  v1::Event large = Minimal("a");
  large.set_binary_data(std::string(100, 'x'));
  v1::Event middle = Minimal("a");
  middle.set_binary_data(std::string(85, 'x'));
  const auto setting = [](const absl::Status& status) {
    EXPECT_EQ(ReasonOf(status), Reason::kTooLarge) << status;
    for (const auto& [key, value] : MetadataOf(status)) {
      if (key == "setting") return value;
    }
    return std::string();
  };
  EXPECT_EQ(setting(CheckBatch({Minimal("a"), large}).status()), "limits.max_event_bytes");
  EXPECT_EQ(setting(CheckBatch(std::vector<v1::Event>(4, Minimal("a"))).status()),
            "limits.max_batch_events");
  EXPECT_EQ(setting(CheckBatch(std::vector<v1::Event>(3, middle)).status()),
            "limits.max_batch_bytes");
  EXPECT_TRUE(CheckBatch({middle, middle}).ok());
}

TEST_F(DoorTest, FaultyBytesAreToldFromFaultyValues) {
  std::string twice = Minimal("a").SerializeAsString() + Minimal("b").SerializeAsString();
  const std::string request = std::string("\x0a") + static_cast<char>(twice.size()) + twice;
  const absl::Status status = Check(InOnePiece(request), Kind::kPublish).status();
  EXPECT_EQ(ReasonOf(status), Reason::kMalformed);
  EXPECT_TRUE(absl::StartsWith(status.message(), "event.type: ")) << status;
}

TEST_F(DoorTest, ALifetimeBecomesTheAttributeExpirytimeUnlessThereIsOne) {
  v1::PublishBatchRequest request;
  request.add_events()->set_type("a.b");
  v1::Event& own = *request.add_events();
  own.set_type("a.b");
  (*own.mutable_attributes())["expirytime"].mutable_ce_timestamp()->set_seconds(4'000'000'000);
  v1::Event& text = *request.add_events();
  text.set_type("a.b");
  (*text.mutable_attributes())["expirytime"].set_ce_string("tomorrow");
  request.mutable_options()->mutable_ttl()->set_seconds(60);
  const auto checked = Check(InOnePiece(request.SerializeAsString()), Kind::kBatch);
  ASSERT_TRUE(checked.ok()) << checked.status();
  const std::vector<int64_t>& expiries = checked->command.expires_ms;
  ASSERT_EQ(expiries.size(), 3U);
  EXPECT_NEAR(static_cast<double>(expiries[0]),
              static_cast<double>(absl::ToUnixMillis(absl::Now()) + 60'000), 20'000);
  EXPECT_EQ(expiries[1], 4'000'000'000'000);
  EXPECT_EQ(expiries[2], 0);
  const std::vector<v1::Event> events = EventsOf(checked->command);
  const auto& filled_in = events[0].attributes().at("expirytime").ce_timestamp();
  EXPECT_EQ(filled_in.seconds() * 1000 + filled_in.nanos() / 1'000'000, expiries[0]);
  EXPECT_EQ(events[2].attributes().at("expirytime").ce_string(), "tomorrow");
}

TEST_F(DoorTest, WithoutALifetimeThereIsNoExpiry) {
  v1::Event event;
  event.set_type("a.b");
  EXPECT_TRUE(CheckBatch({event})->command.expires_ms.empty());
}

TEST_F(DoorTest, AnAtomicBatchIsOfOneTypeAndNotDelayed) {
  v1::PublishBatchRequest request;
  request.set_atomic(true);
  request.add_events()->set_type("a");
  request.add_events()->set_type("a");
  auto checked = Check(InOnePiece(request.SerializeAsString()), Kind::kBatch);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(checked->command.atomic);
  request.add_events()->set_type("b");
  checked = Check(InOnePiece(request.SerializeAsString()), Kind::kBatch);
  EXPECT_EQ(ReasonOf(checked.status()), Reason::kAtomicAcrossStreams);
  EXPECT_EQ(checked.status().code(), absl::StatusCode::kInvalidArgument);
  request.mutable_events()->RemoveLast();
  request.mutable_options()->mutable_deliver_after()->set_seconds(5);
  checked = Check(InOnePiece(request.SerializeAsString()), Kind::kBatch);
  EXPECT_EQ(ReasonOf(checked.status()), Reason::kNotImplemented);
}

}  // namespace
}  // namespace eventbus
