#include "server/broker/event_writer.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/unit/broker/event_bytes.h"

namespace eventbus {
namespace {

const FillIns kFillIns = {.id = "new-id",
                          .source = "/default",
                          .time_seconds = 1700000000,
                          .time_nanos = 42,
                          .traceparent = "00-1-2-01",
                          .tracestate = "a=b"};

// The event as the writer writes it, without its frame, whose form is checked.
std::string Write(const EventBytes& event, const FillIns& fill_ins = kFillIns) {
  const std::string bytes = event.bytes();
  ScannedEvent scanned;
  FieldViolation violation;
  EXPECT_TRUE(ScanEvent(bytes, EventLimits{}, &scanned, &violation)) << violation.ToString();
  std::string entry = "kept";
  AppendFramedEvent(scanned, fill_ins, &entry);
  EXPECT_EQ(entry.size(), 4 + FramedSize(scanned, fill_ins));
  EXPECT_EQ(entry.substr(0, 4), "kept");

  const size_t size = EventSizeWith(scanned, fill_ins);
  const std::string written = entry.substr(entry.size() - size);
  EXPECT_EQ(entry, "kept" + EventBytes().Field(1, written).bytes());
  return written;
}

EventBytes Complete() {
  return EventBytes()
      .Id("1")
      .Source("/shop")
      .SpecVersion("1.0")
      .Type("a")
      .Attribute("time", TimestampValue(1, 0))
      .Attribute("traceparent", StringValue("own"));
}

TEST(EventWriterTest, ACompleteEventIsWrittenAsItCame) {
  EXPECT_EQ(Write(Complete()), Complete().bytes());
  const EventBytes large = Complete().BinaryData(std::string(100000, 'x'));
  EXPECT_EQ(Write(large), large.bytes());
}

TEST(EventWriterTest, WhatIsAbsentIsAppended) {
  EXPECT_EQ(Write(EventBytes().Type("a").TextData("x")),
            EventBytes()
                .Type("a")
                .TextData("x")
                .Id("new-id")
                .Source("/default")
                .SpecVersion("1.0")
                .Attribute("time", TimestampValue(1700000000, 42))
                .Attribute("traceparent", StringValue("00-1-2-01"))
                .Attribute("tracestate", StringValue("a=b"))
                .bytes());
}

TEST(EventWriterTest, EmptyFieldsAreReplacedAndNotRepeated) {
  EXPECT_EQ(Write(EventBytes()
                      .Id("")
                      .Raw("\x48\x01")
                      .Source("")
                      .Type("a")
                      .SpecVersion("")
                      .Attribute("time", TimestampValue(1, 0))
                      .Attribute("traceparent", StringValue("own"))),
            EventBytes()
                .Raw("\x48\x01")
                .Type("a")
                .Attribute("time", TimestampValue(1, 0))
                .Attribute("traceparent", StringValue("own"))
                .Id("new-id")
                .Source("/default")
                .SpecVersion("1.0")
                .bytes());
}

TEST(EventWriterTest, ValuesThatAreNotGivenAreNotFilledIn) {
  EXPECT_EQ(Write(EventBytes().Type("a"), FillIns{.spec_version = "", .time_seconds = 7}),
            EventBytes().Type("a").Attribute("time", TimestampValue(7, 0)).bytes());
}

TEST(EventWriterTest, TracestateComesOnlyWithItsTraceparent) {
  EXPECT_EQ(Write(Complete()), Complete().bytes());
  FillIns no_parent = kFillIns;
  no_parent.traceparent = "";
  const std::string written = Write(EventBytes().Type("a"), no_parent);
  EXPECT_EQ(written.find("trace"), std::string::npos);
}

TEST(EventWriterTest, TimesBefore1970AndAtItAreWritten) {
  for (const int64_t seconds : {int64_t{-62135596800}, int64_t{-1}, int64_t{0}}) {
    EXPECT_EQ(Write(EventBytes().Type("a"), FillIns{.spec_version = "", .time_seconds = seconds}),
              EventBytes().Type("a").Attribute("time", TimestampValue(seconds, 0)).bytes());
  }
}

TEST(EventWriterTest, LongValuesTakeLongerLengths) {
  FillIns fill_ins = kFillIns;
  const std::string source(1024, 's');
  const std::string parent(200, 'p');
  fill_ins.source = source;
  fill_ins.traceparent = parent;
  EXPECT_EQ(Write(EventBytes().Type("a"), fill_ins),
            EventBytes()
                .Type("a")
                .Id("new-id")
                .Source(source)
                .SpecVersion("1.0")
                .Attribute("time", TimestampValue(1700000000, 42))
                .Attribute("traceparent", StringValue(parent))
                .Attribute("tracestate", StringValue("a=b"))
                .bytes());
}

}  // namespace
}  // namespace eventbus
