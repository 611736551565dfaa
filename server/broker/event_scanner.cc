#include "server/broker/event_scanner.h"

#include <limits>
#include <new>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "server/broker/attribute_scanner.h"
#include "server/broker/event_type.h"
#include "server/broker/scan_report.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

// Field numbers of eventbus.v1.Event.
constexpr uint32_t kId = 1;
constexpr uint32_t kSource = 2;
constexpr uint32_t kSpecVersion = 3;
constexpr uint32_t kType = 4;
constexpr uint32_t kAttributes = 5;
constexpr uint32_t kBinaryData = 6;
constexpr uint32_t kProtoData = 8;
constexpr char kIdTag = OneByteTag(kId, WireType::kLengthDelimited);
constexpr char kSourceTag = OneByteTag(kSource, WireType::kLengthDelimited);
constexpr char kSpecVersionTag = OneByteTag(kSpecVersion, WireType::kLengthDelimited);
constexpr char kTypeTag = OneByteTag(kType, WireType::kLengthDelimited);
constexpr char kAttributesTag = OneByteTag(kAttributes, WireType::kLengthDelimited);
constexpr std::array<absl::string_view, 9> kFieldNames = {
    "",           "id",          "source",    "spec_version", "type",
    "attributes", "binary_data", "text_data", "proto_data"};

// Of google.protobuf.Any.
constexpr uint32_t kAnyTypeUrl = 1;
constexpr uint32_t kAnyValue = 2;

constexpr absl::string_view kOnlySpecVersion = "1.0";

// One scan: reads the event's fields, and leaves the attributes to AttributeScanner. Every function
// returns false once it has reported something wrong.
class EventScan {
 public:
  EventScan(absl::string_view bytes, ScannedEvent* event, FieldViolation* violation)
      : bytes_(bytes), event_(*event), report_(bytes, violation), attributes_(event, &report_) {}

  bool Run();

 private:
  // Takes what stands in front as most writers write it: in the order of numbers, and short.
  bool ScanUsual(WireReader* reader);
  bool ScanField(uint32_t number, absl::string_view value, const ByteRange& range);
  bool ScanData(uint32_t number, absl::string_view value);
  bool ScanAny(absl::string_view bytes);
  bool CheckText(absl::string_view field, absl::string_view value, size_t max_size) {
    if (value.size() <= max_size && IsValidUtf8(value)) return true;
    return FailText(field, value, max_size);
  }
  bool FailText(absl::string_view field, absl::string_view value, size_t max_size);
  bool CheckSpecVersion();
  bool CheckType();

  // An empty field counts as absent, and is noted down for the writer to leave out.
  void Take(absl::string_view value, const ByteRange& range, absl::string_view* target, bool* has) {
    *target = value;
    *has = !value.empty();
    if (value.empty()) event_.empty_fields[event_.empty_field_count++] = range;
  }

  const absl::string_view bytes_;
  ScannedEvent& event_;
  ScanReport report_;
  AttributeScanner attributes_;
  uint32_t seen_ = 0;
};

bool EventScan::Run() {
  WireReader reader(bytes_);
  if (!ScanUsual(&reader)) return false;
  while (!reader.AtEnd()) {
    const size_t begin = reader.offset();
    uint32_t number;
    WireType wire_type;
    if (!reader.ReadTag(&number, &wire_type)) return report_.FailWire(reader, bytes_);
    if (number >= kFieldNames.size()) {
      if (!reader.SkipValue(number, wire_type)) return report_.FailWire(reader, bytes_);
      continue;
    }
    // All known fields are strings, bytes or messages.
    if (wire_type != WireType::kLengthDelimited) {
      return report_.FailWireType(kFieldNames[number], wire_type, WireType::kLengthDelimited);
    }
    absl::string_view value;
    if (!reader.ReadLengthDelimited(&value)) return report_.FailWire(reader, bytes_);
    if (!ScanField(number, value, ByteRange{begin, reader.offset() - begin})) return false;
  }
  return event_.type.empty() ? report_.Fail(*CheckEventType("")) : true;
}

bool EventScan::ScanUsual(WireReader* reader) {
  // Not found there, a field may still come later.
  if (reader->TakeShortField(kIdTag, &event_.id)) {
    MarkSeen(kId, &seen_);
    event_.has_id = true;
    if (!CheckText("id", event_.id, kMaxEventIdBytes)) return false;
  }
  if (reader->TakeShortField(kSourceTag, &event_.source)) {
    MarkSeen(kSource, &seen_);
    event_.has_source = true;
    if (!CheckText("source", event_.source, kMaxEventSourceBytes)) return false;
  }
  if (reader->TakeShortField(kSpecVersionTag, &event_.spec_version)) {
    MarkSeen(kSpecVersion, &seen_);
    event_.has_spec_version = true;
    if (!CheckSpecVersion()) return false;
  }
  if (reader->TakeShortField(kTypeTag, &event_.type)) {
    MarkSeen(kType, &seen_);
    if (!CheckType()) return false;
  }
  absl::string_view attribute;
  while (reader->TakeShortField(kAttributesTag, &attribute)) {
    if (!attributes_.Scan(attribute)) return false;
  }
  return true;
}

bool EventScan::ScanField(uint32_t number, absl::string_view value, const ByteRange& range) {
  if (number == kAttributes) return attributes_.Scan(value);
  if (!MarkSeen(number, &seen_)) {
    return report_.FailMalformed(kFieldNames[number], "is present more than once");
  }
  switch (number) {
    case kId:
      Take(value, range, &event_.id, &event_.has_id);
      return CheckText("id", value, kMaxEventIdBytes);
    case kSource:
      Take(value, range, &event_.source, &event_.has_source);
      return CheckText("source", value, kMaxEventSourceBytes);
    case kSpecVersion:
      Take(value, range, &event_.spec_version, &event_.has_spec_version);
      return CheckSpecVersion();
    case kType:
      event_.type = value;
      return CheckType();
    default:
      return ScanData(number, value);
  }
}

bool EventScan::ScanData(uint32_t number, absl::string_view value) {
  if (event_.data_kind != EventDataKind::kNone) {
    return report_.FailMalformed(
        "data", "more than one of binary_data, text_data and proto_data is present");
  }
  event_.data_size = value.size();
  if (number == kBinaryData) {
    event_.data_kind = EventDataKind::kBinary;
    return true;
  }
  if (number == kProtoData) {
    event_.data_kind = EventDataKind::kProto;
    return ScanAny(value);
  }
  event_.data_kind = EventDataKind::kText;
  if (IsValidUtf8(value)) return true;
  return report_.FailMalformed("text_data", "is not valid UTF-8; bytes belong in binary_data");
}

bool EventScan::ScanAny(absl::string_view bytes) {
  WireReader reader(bytes);
  uint32_t seen = 0;
  while (!reader.AtEnd()) {
    uint32_t number;
    WireType wire_type;
    if (!reader.ReadTag(&number, &wire_type)) return report_.FailWire(reader, bytes);
    if (number != kAnyTypeUrl && number != kAnyValue) {
      if (!reader.SkipValue(number, wire_type)) return report_.FailWire(reader, bytes);
      continue;
    }
    const absl::string_view field =
        number == kAnyTypeUrl ? "proto_data.type_url" : "proto_data.value";
    if (wire_type != WireType::kLengthDelimited) {
      return report_.FailWireType(field, wire_type, WireType::kLengthDelimited);
    }
    absl::string_view value;
    if (!reader.ReadLengthDelimited(&value)) return report_.FailWire(reader, bytes);
    if (!MarkSeen(number, &seen)) return report_.FailMalformed(field, "is present more than once");
    if (number == kAnyTypeUrl && !CheckText(field, value, std::numeric_limits<size_t>::max())) {
      return false;
    }
  }
  return true;
}

bool EventScan::CheckSpecVersion() {
  if (event_.spec_version.empty() || event_.spec_version == kOnlySpecVersion) return true;
  return report_.Fail("spec_version",
                      absl::StrCat(QuoteForMessage(event_.spec_version),
                                   " is not supported, only \"", kOnlySpecVersion, "\" is"));
}

bool EventScan::CheckType() {
  return IsValidEventType(event_.type) ? true : report_.Fail(*CheckEventType(event_.type));
}

bool EventScan::FailText(absl::string_view field, absl::string_view value, size_t max_size) {
  if (value.size() > max_size) {
    return report_.Fail(
        field, absl::StrCat("has ", value.size(), " bytes, at most ", max_size, " are allowed"));
  }
  return report_.FailMalformed(field, absl::StrCat(QuoteForMessage(value), " is not valid UTF-8"));
}

}  // namespace

bool ScanEvent(absl::string_view bytes, const EventLimits& limits, ScannedEvent* event,
               FieldViolation* violation) {
  if (bytes.size() > limits.max_event_bytes) {
    violation->field.clear();
    violation->description = absl::StrCat("the event has ", bytes.size(), " bytes, at most ",
                                          limits.max_event_bytes, " are allowed");
    return false;
  }
  static_assert(std::is_trivially_destructible_v<ScannedEvent>);
  // Member by member: GCC makes of ScannedEvent{} a string instruction that takes several times as
  // long.
  new (event) ScannedEvent;
  event->bytes = bytes;
  return EventScan(bytes, event, violation).Run();
}

}  // namespace eventbus
