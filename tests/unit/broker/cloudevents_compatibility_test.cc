// Event is wire-compatible with io.cloudevents.v1.CloudEvent: bytes put together by hand from the
// public field numbers of the CloudEvents 1.0 Protobuf format parse as an Event, mean the same, and
// come back out unchanged.
#include <cstdint>
#include <string>

#include "eventbus/v1/event.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "server/broker/event_scanner.h"

namespace eventbus {
namespace {

using namespace std::string_literals;

// Numbers as the CloudEvents Protobuf format publishes them, in hexadecimal tags (number << 3 |
// wire type) written out below: CloudEvent id 1, source 2, spec_version 3, type 4, attributes 5,
// binary_data 6, text_data 7, proto_data 8; CloudEventAttributeValue ce_boolean 1, ce_integer 2,
// ce_string 3, ce_bytes 4, ce_uri 5, ce_uri_ref 6, ce_timestamp 7.
const std::string& Head() {
  static const auto& head = *new std::string(
      "\x0a\x04"
      "A234"
      "\x12\x05"
      "/shop"
      "\x1a\x03"
      "1.0"
      "\x22\x0d"
      "order.created"s);
  return head;
}

// One attribute of each type, in order of name.
const std::string& Attributes() {
  static const auto& attributes = *new std::string(
      "\x2a\x0b"
      "\x0a\x05"
      "abool"
      "\x12\x02"
      "\x08\x01"
      "\x2a\x13"
      "\x0a\x04"
      "aint"
      "\x12\x0b"
      "\x10\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
      "\x2a\x0f"
      "\x0a\x05"
      "bytes"
      "\x12\x06"
      "\x22\x04"
      "\x00\xff\x01\x02"
      "\x2a\x0e"
      "\x0a\x07"
      "subject"
      "\x12\x03"
      "\x1a\x01"
      "7"
      "\x2a\x12"
      "\x0a\x04"
      "time"
      "\x12\x0a"
      "\x3a\x08"
      "\x08\x80\xe2\xcf\xaa\x06"
      "\x10\x2a"
      "\x2a\x0e"
      "\x0a\x03"
      "uri"
      "\x12\x07"
      "\x2a\x05"
      "urn:x"
      "\x2a\x0d"
      "\x0a\x06"
      "uriref"
      "\x12\x03"
      "\x32\x01"
      "/"s);
  return attributes;
}

std::string SerializeDeterministically(const v1::Event& event) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    EXPECT_TRUE(event.SerializeToCodedStream(&output));
  }
  return bytes;
}

// Parses the bytes, and requires that they come back out unchanged and pass at the door.
v1::Event Accept(const std::string& bytes) {
  v1::Event event;
  EXPECT_TRUE(event.ParseFromString(bytes));
  EXPECT_EQ(event.GetReflection()->GetUnknownFields(event).field_count(), 0);
  EXPECT_EQ(SerializeDeterministically(event), bytes);
  ScannedEvent scanned;
  FieldViolation violation;
  EXPECT_TRUE(ScanEvent(bytes, EventLimits{}, &scanned, &violation)) << violation.ToString();
  EXPECT_EQ(scanned.type, event.type());
  return event;
}

TEST(CloudEventsCompatibilityTest, ContextAttributesAreTheSameFields) {
  const v1::Event event = Accept(Head());
  EXPECT_EQ(event.id(), "A234");
  EXPECT_EQ(event.source(), "/shop");
  EXPECT_EQ(event.spec_version(), "1.0");
  EXPECT_EQ(event.type(), "order.created");
  EXPECT_EQ(event.data_case(), v1::Event::DATA_NOT_SET);
}

TEST(CloudEventsCompatibilityTest, AttributesOfEveryTypeAreTheSameFields) {
  const v1::Event event = Accept(Head() + Attributes());
  const auto& attributes = event.attributes();
  ASSERT_EQ(attributes.size(), 7u);
  EXPECT_TRUE(attributes.at("abool").ce_boolean());
  EXPECT_EQ(attributes.at("aint").ce_integer(), -2);
  EXPECT_EQ(attributes.at("bytes").ce_bytes(), "\x00\xff\x01\x02"s);
  EXPECT_EQ(attributes.at("subject").ce_string(), "7");
  EXPECT_EQ(attributes.at("time").ce_timestamp().seconds(), 1700000000);
  EXPECT_EQ(attributes.at("time").ce_timestamp().nanos(), 42);
  EXPECT_EQ(attributes.at("uri").ce_uri(), "urn:x");
  EXPECT_EQ(attributes.at("uriref").ce_uri_ref(), "/");
}

TEST(CloudEventsCompatibilityTest, DataOfEveryKindIsTheSameField) {
  EXPECT_EQ(Accept(Head() + "\x32\x03\x00\xff\x7f"s).binary_data(), "\x00\xff\x7f"s);
  EXPECT_EQ(Accept(Head() + "\x3a\x05hello"s).text_data(), "hello");
  const v1::Event event = Accept(Head() + "\x42\x08\x0a\x03t/x\x12\x01v"s);
  EXPECT_EQ(event.proto_data().type_url(), "t/x");
  EXPECT_EQ(event.proto_data().value(), "v");
}

TEST(CloudEventsCompatibilityTest, EmptyDataIsPresent) {
  EXPECT_EQ(Accept(Head() + "\x32\x00"s).data_case(), v1::Event::kBinaryData);
}

}  // namespace
}  // namespace eventbus
