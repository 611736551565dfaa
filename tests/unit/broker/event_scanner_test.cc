#include "server/broker/event_scanner.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/event_bytes.h"

namespace eventbus {
namespace {

using namespace std::string_literals;

// Scans events and keeps what the views point to.
class EventScannerTest : public testing::Test {
 protected:
  const ScannedEvent& Scan(const EventBytes& event) {
    bytes_ = event.bytes();
    FieldViolation violation;
    EXPECT_TRUE(ScanEvent(bytes_, limits_, &event_, &violation)) << violation.ToString();
    return event_;
  }

  // What the scanner says against an event; empty when it accepts it.
  std::string Complaint(const EventBytes& event) {
    bytes_ = event.bytes();
    FieldViolation violation;
    if (ScanEvent(bytes_, limits_, &event_, &violation)) return "";
    return violation.ToString();
  }

  static EventBytes Typed() { return EventBytes().Type("order.created"); }

  EventLimits limits_;

 private:
  std::string bytes_;
  ScannedEvent event_;
};

TEST_F(EventScannerTest, AnEventNeedsNothingButAType) {
  const ScannedEvent& event = Scan(EventBytes().Type("order.created"));
  EXPECT_EQ(event.type, "order.created");
  EXPECT_FALSE(event.has_id || event.has_source || event.has_spec_version || event.has_time ||
               event.has_partition_key || event.has_traceparent || event.has_tracestate);
  EXPECT_EQ(event.data_kind, EventDataKind::kNone);
  EXPECT_EQ(event.OrderingKey(), "");
}

TEST_F(EventScannerTest, ReadsEverythingThatTheBrokerUses) {
  const ScannedEvent& event = Scan(EventBytes()
                                       .Attribute("partitionkey", StringValue("customer-7"))
                                       .Attribute("subject", StringValue("order 42"))
                                       .Id("id-1")
                                       .Source("/shop")
                                       .SpecVersion("1.0")
                                       .Type("order.created")
                                       .Attribute("traceparent", StringValue("00-1-2-01"))
                                       .Attribute("tracestate", StringValue("a=b"))
                                       .Attribute("time", TimestampValue(1700000000, 123456789))
                                       .BinaryData("12345"));
  EXPECT_EQ(event.type, "order.created");
  EXPECT_EQ(event.id, "id-1");
  EXPECT_EQ(event.source, "/shop");
  EXPECT_EQ(event.spec_version, "1.0");
  EXPECT_EQ(event.partition_key, "customer-7");
  EXPECT_EQ(event.subject, "order 42");
  EXPECT_EQ(event.traceparent, "00-1-2-01");
  EXPECT_EQ(event.time_seconds, 1700000000);
  EXPECT_EQ(event.time_nanos, 123456789);
  EXPECT_TRUE(event.has_id && event.has_source && event.has_spec_version && event.has_time &&
              event.has_partition_key && event.has_traceparent && event.has_tracestate);
  EXPECT_EQ(event.attribute_count, 5u);
  EXPECT_EQ(event.data_kind, EventDataKind::kBinary);
  EXPECT_EQ(event.data_size, 5u);
  EXPECT_EQ(event.empty_field_count, 0u);
}

TEST_F(EventScannerTest, TheOrderingKeyIsThePartitionKeyElseThePublishersSource) {
  EXPECT_EQ(Scan(Typed().Source("/shop")).OrderingKey(), "/shop");
  EXPECT_EQ(Scan(Typed().Source("/shop").Attribute("partitionkey", StringValue("k"))).OrderingKey(),
            "k");
}

TEST_F(EventScannerTest, EmptyFieldsCountAsAbsentAndAreNotedDown) {
  const ScannedEvent& event = Scan(EventBytes().Source("").Type("a").Id("").SpecVersion(""));
  EXPECT_FALSE(event.has_id || event.has_source || event.has_spec_version);
  ASSERT_EQ(event.empty_field_count, 3u);
  EXPECT_EQ(event.empty_fields[0].offset, 0u);
  EXPECT_EQ(event.empty_fields[1].offset, 5u);
  EXPECT_EQ(event.empty_fields[2].offset, 7u);
  for (const ByteRange& range : event.empty_fields) EXPECT_EQ(range.size, 2u);
}

TEST_F(EventScannerTest, TheTypeIsRequiredAndChecked) {
  EXPECT_EQ(Complaint(EventBytes()), "type: is required, a dotted name such as order.completed.v1");
  EXPECT_EQ(Complaint(EventBytes().Type("")),
            "type: is required, a dotted name such as order.completed.v1");
  EXPECT_EQ(Complaint(EventBytes().Type("User Login")),
            "type: \"User Login\" is not a valid type: character ' ' at offset 4 is not one of "
            "[A-Za-z0-9_-.]");
}

TEST_F(EventScannerTest, SizesAreBounded) {
  EXPECT_EQ(Complaint(Typed().Id(std::string(255, 'i'))), "");
  EXPECT_EQ(Complaint(Typed().Id(std::string(256, 'i'))),
            "id: has 256 bytes, at most 255 are allowed");
  EXPECT_EQ(Complaint(Typed().Source(std::string(1024, 's'))), "");
  EXPECT_EQ(Complaint(Typed().Source(std::string(1025, 's'))),
            "source: has 1025 bytes, at most 1024 are allowed");
  EXPECT_EQ(Complaint(Typed().Attribute("partitionkey", StringValue(std::string(255, 'k')))), "");
  EXPECT_EQ(Complaint(Typed().Attribute("partitionkey", StringValue(std::string(256, 'k')))),
            "attributes[partitionkey]: has 256 bytes, 1 to 255 are allowed");
  EXPECT_EQ(Complaint(Typed().Attribute("partitionkey", StringValue(""))),
            "attributes[partitionkey]: has 0 bytes, 1 to 255 are allowed");
}

TEST_F(EventScannerTest, FieldsInTheirUsualOrderAreReadWhateverTheirLength) {
  for (const size_t size : {1u, 126u, 127u, 128u, 129u, 255u}) {
    const std::string id(size, 'i');
    const std::string source(size, 's');
    const std::string type(size, 't');
    const std::string subject(size, 'a');
    const ScannedEvent& event = Scan(EventBytes()
                                         .Id(id)
                                         .Source(source)
                                         .SpecVersion("1.0")
                                         .Type(type)
                                         .Attribute("subject", StringValue(subject))
                                         .BinaryData(std::string(size, 'd')));
    EXPECT_EQ(event.id, id);
    EXPECT_EQ(event.source, source);
    EXPECT_EQ(event.spec_version, "1.0");
    EXPECT_EQ(event.type, type);
    EXPECT_EQ(event.subject, subject);
    EXPECT_EQ(event.data_size, size);
  }
  // One that lacks, and one that comes later.
  const ScannedEvent& event = Scan(EventBytes().Source("/shop").Type("a").Id("late"));
  EXPECT_EQ(event.id, "late");
  EXPECT_TRUE(event.has_id && event.has_source && !event.has_spec_version);
  EXPECT_EQ(Complaint(EventBytes().Id("i").Type("a").Id("i")), "id: is present more than once");
}

TEST_F(EventScannerTest, TimesAreReadWhateverTheirLength) {
  for (const int64_t seconds : {-1ll, 0ll, 1ll, (1ll << 28) - 1, 1ll << 28, 1700000000ll,
                                (1ll << 35) - 1, 1ll << 35, 253402300799ll}) {
    for (const int32_t nanos : {0, 1, 127, 128, 999999999}) {
      const ScannedEvent& event =
          Scan(EventBytes().Type("a").Attribute("time", TimestampValue(seconds, nanos)));
      EXPECT_EQ(event.time_seconds, seconds);
      EXPECT_EQ(event.time_nanos, nanos) << seconds;
    }
  }
  EXPECT_EQ(Complaint(Typed().Attribute("time", TimestampValue(1700000000, 1000000000))),
            "attributes[time]: is not a valid timestamp: 1000000000 nanos are outside of 0 to "
            "999999999");
}

TEST_F(EventScannerTest, TheWholeEventIsBounded) {
  const EventBytes event = Typed().BinaryData(std::string(1000, 'x'));
  limits_.max_event_bytes = event.bytes().size();
  EXPECT_EQ(Complaint(event), "");
  limits_.max_event_bytes -= 1;
  EXPECT_EQ(Complaint(event),
            absl::StrCat("the event has ", event.bytes().size(), " bytes, at most ",
                         limits_.max_event_bytes, " are allowed"));
}

TEST_F(EventScannerTest, TheSpecVersionIs1Point0) {
  EXPECT_EQ(Complaint(Typed().SpecVersion("0.3")),
            "spec_version: \"0.3\" is not supported, only \"1.0\" is");
}

TEST_F(EventScannerTest, KnownFieldsOccurOnce) {
  EXPECT_EQ(Complaint(Typed().Type("order.created")), "type: is present more than once");
  EXPECT_EQ(Complaint(Typed().Id("1").Id("1")), "id: is present more than once");
  EXPECT_EQ(Complaint(Typed().Id("").Id("1")), "id: is present more than once");
  EXPECT_EQ(Complaint(Typed().Source("1").Source("2")), "source: is present more than once");
  EXPECT_EQ(Complaint(Typed().SpecVersion("1.0").SpecVersion("1.0")),
            "spec_version: is present more than once");
  EXPECT_EQ(Complaint(Typed().BinaryData("").BinaryData("")),
            "binary_data: is present more than once");
}

TEST_F(EventScannerTest, DataHasOneMember) {
  const std::string complaint =
      "data: more than one of binary_data, text_data and proto_data is present";
  EXPECT_EQ(Complaint(Typed().BinaryData("").TextData("")), complaint);
  EXPECT_EQ(Complaint(Typed().TextData("x").BinaryData("y")), complaint);
  EXPECT_EQ(Complaint(Typed().TextData("x").ProtoData("")), complaint);
}

TEST_F(EventScannerTest, AttributesAreNamedOnceByLowerCaseLettersAndDigits) {
  const std::string value = StringValue("v");
  EXPECT_EQ(Complaint(Typed().Attribute("a1", value).Attribute("a2", value)), "");
  EXPECT_EQ(Complaint(Typed().Attribute("a1", value).Attribute("a1", value)),
            "attributes[a1]: is present more than once");
  EXPECT_EQ(Complaint(Typed().Attribute("", value)), "attributes: an attribute has no name");
  EXPECT_EQ(
      Complaint(Typed().Attribute("myName", value)),
      "attributes: \"myName\" is not a valid attribute name: character 'N' at offset 2 is not "
      "one of [a-z0-9]");
  EXPECT_EQ(Complaint(Typed().Attribute(std::string(64, 'n'), value)), "");
  EXPECT_EQ(Complaint(Typed().Attribute(std::string(65, 'n'), value)),
            "attributes: the name \"" + std::string(64, 'n') +
                "\"… has 65 bytes, at most 64 are allowed");
  for (const char* name : {"id", "source", "specversion", "type", "data"}) {
    EXPECT_EQ(Complaint(Typed().Attribute(name, value)),
              absl::StrCat("attributes[", name,
                           "]: is a reserved name; set the event's own field instead"));
  }
}

TEST_F(EventScannerTest, AnEventHasAtMost128Attributes) {
  EventBytes event = Typed();
  for (int i = 0; i < 128; ++i) event.Attribute(absl::StrCat("a", i), StringValue("v"));
  EXPECT_EQ(Scan(event).attribute_count, 128u);
  EXPECT_EQ(Complaint(event.Attribute("onemore", StringValue("v"))),
            "attributes: there are more than 128 attributes");
}

TEST_F(EventScannerTest, AnAttributeHasOneNameAndOneValue) {
  const std::string value = StringValue("v");
  EXPECT_EQ(Complaint(Typed().Field(5, EventBytes().Field(2, value).Field(1, "a").bytes())), "");
  EXPECT_EQ(Complaint(Typed().Field(5, EventBytes().Field(1, "a").Field(1, "a").bytes())),
            "attributes: an attribute has more than one name");
  EXPECT_EQ(Complaint(Typed().Field(
                5, EventBytes().Field(1, "a").Field(2, value).Field(2, value).bytes())),
            "attributes: an attribute has more than one value");
  EXPECT_EQ(Complaint(Typed().Field(5, EventBytes().Field(1, "a").bytes())),
            "attributes[a]: has no value");
  EXPECT_EQ(Complaint(Typed().Attribute("a", "")), "attributes[a]: has no value");
  EXPECT_EQ(Complaint(Typed().Attribute("a", value + value)),
            "attributes[a]: has more than one value");
  EXPECT_EQ(Complaint(Typed().Attribute("a", value + IntegerValue(1))),
            "attributes[a]: has more than one value");
}

TEST_F(EventScannerTest, KnownAttributesHaveTheirKind) {
  EXPECT_EQ(Complaint(Typed().Attribute("time", StringValue("2026-01-01T00:00:00Z"))),
            "attributes[time]: is a ce_string, it must be a ce_timestamp");
  EXPECT_EQ(Complaint(Typed().Attribute("partitionkey", IntegerValue(7))),
            "attributes[partitionkey]: is a ce_integer, it must be a ce_string");
}

TEST_F(EventScannerTest, ATraceparentThatIsNoStringIsPresentButNotRead) {
  const ScannedEvent& event = Scan(Typed().Attribute("traceparent", IntegerValue(7)));
  EXPECT_TRUE(event.has_traceparent);
  EXPECT_EQ(event.traceparent, "");
}

TEST_F(EventScannerTest, TimestampsAreWithinTheYears1To9999) {
  const auto complaint = [this](int64_t seconds, int64_t nanos) {
    return Complaint(Typed().Attribute("time", TimestampValue(seconds, nanos)));
  };
  EXPECT_EQ(complaint(-62135596800, 0), "");
  EXPECT_EQ(complaint(253402300799, 999999999), "");
  EXPECT_EQ(complaint(0, 0), "");
  EXPECT_EQ(complaint(-62135596801, 0),
            "attributes[time]: is not a valid timestamp: -62135596801 seconds are outside of the "
            "years 1 to 9999");
  EXPECT_NE(complaint(253402300800, 0), "");
  EXPECT_EQ(complaint(0, 1000000000),
            "attributes[time]: is not a valid timestamp: 1000000000 nanos are outside of 0 to "
            "999999999");
  EXPECT_NE(complaint(0, -1), "");
}

// The one that is read without looking at it field by field.
TEST_F(EventScannerTest, TheUsualTimeIsCheckedLikeAnyOther) {
  const std::string value = TimestampValue(1, 2);
  EXPECT_EQ(Scan(Typed().Attribute("time", value)).time_nanos, 2);
  EXPECT_EQ(Complaint(Typed().Attribute("time", value).Attribute("time", value)),
            "attributes[time]: is present more than once");
  EXPECT_EQ(Complaint(Typed().Attribute("time", value + value)),
            "attributes[time]: has more than one value");
  EXPECT_EQ(Complaint(Typed().Attribute("time", EventBytes().Field(7, "\x08\x80"s).bytes())),
            "not a valid eventbus.v1.Event: the bytes end within a field at offset 29");
  EXPECT_EQ(
      Complaint(Typed().Attribute("time", EventBytes().Field(7, "\x08\x01\x08\x01"s).bytes())),
      "attributes[time]: has a timestamp with seconds present more than once");
  EXPECT_EQ(Complaint(Typed().Field(5, EventBytes().Field(2, value).Field(1, "time").bytes())), "");
  // A value that says that it is shorter, or longer, than what is there.
  const std::string entry = EventBytes().Field(1, "time").Field(2, value).bytes();
  EXPECT_NE(Complaint(Typed().Field(5, entry + "x")), "");
  EXPECT_NE(Complaint(Typed().Field(5, entry.substr(0, entry.size() - 1))), "");
}

TEST_F(EventScannerTest, TimestampFieldsOccurOnce) {
  const std::string twice = EventBytes().Field(7, "\x08\x01\x08\x01"s).bytes();
  EXPECT_EQ(Complaint(Typed().Attribute("when", twice)),
            "attributes[when]: has a timestamp with seconds present more than once");
}

TEST_F(EventScannerTest, StringsAreUtf8) {
  EXPECT_EQ(Complaint(Typed().Id("größe").Source("漢").TextData("🙂")), "");
  EXPECT_EQ(Complaint(Typed().Id("\xff")), "id: \"\\xff\" is not valid UTF-8");
  EXPECT_EQ(Complaint(Typed().Source("a\xed\xa0\x80")),
            "source: \"a\\xed\\xa0\\x80\" is not valid UTF-8");
  EXPECT_EQ(Complaint(Typed().TextData("\xff")),
            "text_data: is not valid UTF-8; bytes belong in binary_data");
  EXPECT_EQ(Complaint(Typed().BinaryData("\xff")), "");
  for (const uint32_t kind : {3u, 5u, 6u}) {
    EXPECT_EQ(Complaint(Typed().Attribute("a", EventBytes().Field(kind, "\xff").bytes())),
              "attributes[a]: is not valid UTF-8");
  }
  EXPECT_EQ(Complaint(Typed().Attribute("a", EventBytes().Field(4, "\xff").bytes())), "");
}

TEST_F(EventScannerTest, ProtoDataIsAWellFormedAny) {
  EXPECT_EQ(
      Scan(Typed().ProtoData(EventBytes().Field(1, "url").Field(2, "\xff").bytes())).data_kind,
      EventDataKind::kProto);
  EXPECT_EQ(Complaint(Typed().ProtoData(EventBytes().Field(1, "\xff").bytes())),
            "proto_data.type_url: \"\\xff\" is not valid UTF-8");
  EXPECT_EQ(Complaint(Typed().ProtoData(EventBytes().Field(2, "a").Field(2, "b").bytes())),
            "proto_data.value: is present more than once");
  EXPECT_EQ(Complaint(Typed().ProtoData("\x0a\x05x"s)),
            "not a valid eventbus.v1.Event: the bytes end within a field at offset 19");
}

TEST_F(EventScannerTest, KnownFieldsHaveTheirWireType) {
  EXPECT_EQ(Complaint(Typed().Raw("\x08\x01"s)),
            "id: is encoded with wire type 0 where 2 is expected");
  EXPECT_EQ(Complaint(Typed().Raw("\x33\x34"s)),
            "binary_data: is encoded with wire type 3 where 2 is expected");
  EXPECT_EQ(Complaint(Typed().Attribute("a", "\x0a\x00"s)),
            "attributes[a].ce_boolean: is encoded with wire type 2 where 0 is expected");
  EXPECT_EQ(Complaint(Typed().Attribute("a", EventBytes().Field(7, "\x0a\x00"s).bytes())),
            "attributes[a].ce_timestamp: is encoded with wire type 2 where 0 is expected");
}

TEST_F(EventScannerTest, UnknownFieldsAreAcceptedAtEveryLevel) {
  // A varint, bytes, and a group that holds a group.
  const std::string unknown = "\x48\x01\x52\x02xy\x5b\x63\x08\x01\x64\x5c"s;
  const std::string timestamp = EventBytes().Field(7, "\x08\x01"s + unknown).bytes();
  EXPECT_EQ(
      Complaint(
          EventBytes()
              .Raw(unknown)
              .Type("a")
              .Field(5, EventBytes().Raw(unknown).Field(1, "when").Field(2, timestamp).bytes())
              .Attribute("x", unknown + StringValue("v"))
              .ProtoData(EventBytes().Raw(unknown).Field(1, "url").bytes())
              .Raw(unknown)),
      "");
}

TEST_F(EventScannerTest, MalformedBytesAreRefusedWithTheirOffset) {
  EXPECT_EQ(Complaint(EventBytes().Raw("garbage")),
            "not a valid eventbus.v1.Event: unknown wire type at offset 0");
  EXPECT_EQ(Complaint(Typed().Raw("\x0a\x05x"s)),
            "not a valid eventbus.v1.Event: the bytes end within a field at offset 17");
  EXPECT_EQ(Complaint(Typed().Raw("\x0c"s)), "id: is encoded with wire type 4 where 2 is expected");
  EXPECT_EQ(Complaint(Typed().Raw("\x4c"s)),
            "not a valid eventbus.v1.Event: unmatched end of a group at offset 16");
  EXPECT_EQ(Complaint(Typed().Raw("\x00"s)),
            "not a valid eventbus.v1.Event: field number 0 at offset 15");
}

TEST_F(EventScannerTest, EveryTruncationIsRefusedOrIsAnEventOfItsOwn) {
  const std::string whole = EventBytes()
                                .Type("a")
                                .Id("12345")
                                .Attribute("time", TimestampValue(1700000000, 1))
                                .TextData("hello")
                                .bytes();
  int accepted = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    accepted += Complaint(EventBytes().Raw(whole.substr(0, size))).empty();
  }
  // After the type, after the id and after the attribute.
  EXPECT_EQ(accepted, 3);
}

}  // namespace
}  // namespace eventbus
