#include "server/rpc/publish_envelope.h"

#include <string>

#include "absl/strings/match.h"
#include "eventbus/v1/broker.pb.h"
#include "gtest/gtest.h"
#include "server/broker/reason.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

using Kind = PublishEnvelope::Kind;

absl::Status Read(Kind kind, const std::string& bytes, PublishEnvelope* envelope) {
  return ReadPublishEnvelope(kind, bytes, envelope);
}

absl::Status Read(Kind kind, const std::string& bytes) {
  PublishEnvelope envelope;
  return Read(kind, bytes, &envelope);
}

TEST(PublishEnvelopeTest, FindsWhatTheGeneratedClassWrites) {
  v1::PublishStreamRequest request;
  request.add_events()->set_type("a");
  request.add_events()->set_type("b");
  request.set_sequence(300);
  request.set_return_results(true);
  const std::string bytes = request.SerializeAsString();
  PublishEnvelope envelope;
  ASSERT_TRUE(Read(Kind::kStream, bytes, &envelope).ok());
  ASSERT_EQ(envelope.events.size(), 2u);
  v1::Event second;
  ASSERT_TRUE(second.ParseFromString(std::string(envelope.events[1])));
  EXPECT_EQ(second.type(), "b");
  EXPECT_EQ(envelope.sequence, 300u);
  EXPECT_TRUE(envelope.return_results);
  EXPECT_TRUE(envelope.back_to_back);
  EXPECT_EQ(envelope.EventPath(1), "events[1]");
}

TEST(PublishEnvelopeTest, EventsApartAreNotBackToBack) {
  v1::PublishStreamRequest one;
  one.add_events()->set_type("a");
  v1::PublishStreamRequest sequence;
  sequence.set_sequence(1);
  PublishEnvelope envelope;
  const std::string bytes =
      one.SerializeAsString() + sequence.SerializeAsString() + one.SerializeAsString();
  ASSERT_TRUE(Read(Kind::kStream, bytes, &envelope).ok());
  EXPECT_FALSE(envelope.back_to_back);
}

TEST(PublishEnvelopeTest, LengthInMoreBytesThanNeededIsNotTheShortestForm) {
  PublishEnvelope envelope;
  ASSERT_TRUE(Read(Kind::kBatch, std::string("\x0a\x81\x00x", 4), &envelope).ok());
  EXPECT_FALSE(envelope.back_to_back);
}

TEST(PublishEnvelopeTest, UnknownFieldsAreSkipped) {
  std::string bytes;
  AppendLengthDelimitedField(99, "from the future", &bytes);
  EXPECT_TRUE(Read(Kind::kBatch, bytes).ok());
}

TEST(PublishEnvelopeTest, SingularFieldTwiceIsMalformed) {
  std::string event_twice;
  AppendLengthDelimitedField(1, "x", &event_twice);
  AppendLengthDelimitedField(1, "x", &event_twice);
  const absl::Status status = Read(Kind::kPublish, event_twice);
  EXPECT_EQ(ReasonOf(status), Reason::kMalformed);
  EXPECT_EQ(status.message(), "event: is present more than once");
  EXPECT_TRUE(Read(Kind::kBatch, event_twice).ok());

  std::string sequence_twice;
  AppendVarintField(2, 1, &sequence_twice);
  AppendVarintField(2, 1, &sequence_twice);
  EXPECT_EQ(ReasonOf(Read(Kind::kStream, sequence_twice)), Reason::kMalformed);
}

TEST(PublishEnvelopeTest, MalformedBytesAreRefused) {
  for (const std::string& bytes :
       {std::string("\xff"), std::string("\x0a"), std::string("\x0a\x05x"), std::string("\x08\x01"),
        std::string("\x00", 1), std::string("\x0f")}) {
    for (const Kind kind : {Kind::kPublish, Kind::kBatch, Kind::kStream}) {
      EXPECT_EQ(ReasonOf(Read(kind, bytes)), Reason::kMalformed) << bytes;
    }
  }
}

TEST(PublishEnvelopeTest, WhatIsNotImplementedIsRefusedByName) {
  v1::PublishBatchRequest position;
  position.set_expected_position("");
  const std::pair<v1::PublishBatchRequest, std::string> cases[] = {{position, "expected_position"}};
  for (const auto& [request, field] : cases) {
    const absl::Status status = Read(Kind::kBatch, request.SerializeAsString());
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_TRUE(absl::StartsWith(status.message(), field + " is not implemented")) << status;
  }
  v1::PublishBatchRequest none;
  none.set_atomic(false);
  none.mutable_options();
  EXPECT_TRUE(Read(Kind::kBatch, none.SerializeAsString()).ok());
}

}  // namespace
}  // namespace eventbus
