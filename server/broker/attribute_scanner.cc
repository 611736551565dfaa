#include "server/broker/attribute_scanner.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/broker/wire.h"

namespace eventbus {
namespace {

// Field numbers of an entry of a map field.
constexpr uint32_t kMapKey = 1;
constexpr uint32_t kMapValue = 2;

// Of AttributeValue: the members of its oneof.
constexpr uint32_t kCeBoolean = 1;
constexpr uint32_t kCeInteger = 2;
constexpr uint32_t kCeString = 3;
constexpr uint32_t kCeUri = 5;
constexpr uint32_t kCeUriRef = 6;
constexpr uint32_t kCeTimestamp = 7;
constexpr std::array<absl::string_view, 8> kKindNames = {"",           "ce_boolean",  "ce_integer",
                                                         "ce_string",  "ce_bytes",    "ce_uri",
                                                         "ce_uri_ref", "ce_timestamp"};

// Of google.protobuf.Timestamp, and its range: 0001-01-01T00:00:00Z to
// 9999-12-31T23:59:59.999999999Z.
constexpr uint32_t kSeconds = 1;
constexpr uint32_t kNanos = 2;
constexpr int64_t kMinTimestampSeconds = -62135596800;
constexpr int64_t kMaxTimestampSeconds = 253402300799;
constexpr int32_t kMaxTimestampNanos = 999999999;

bool IsReservedName(absl::string_view name) {
  return name == "id" || name == "source" || name == "specversion" || name == "type" ||
         name == "data";
}

constexpr absl::string_view kTime = "time";

// The attribute `time` as most events have it: its name, then its value, each once and in the
// shortest form. What follows kUsualTimeHead bytes is the timestamp.
constexpr absl::string_view kUsualTimeBegin("\x0a\x04time\x12", 7);
constexpr size_t kUsualTimeHead = 10;
constexpr char kTimestampTag = OneByteTag(kCeTimestamp, WireType::kLengthDelimited);

bool IsUsualTime(absl::string_view bytes) {
  if (bytes.size() < kUsualTimeHead || bytes.size() >= 0x80) return false;
  return bytes.substr(0, kUsualTimeBegin.size()) == kUsualTimeBegin &&
         static_cast<size_t>(bytes[7]) == bytes.size() - 8 && bytes[8] == kTimestampTag &&
         static_cast<size_t>(bytes[9]) == bytes.size() - kUsualTimeHead;
}

// A timestamp of this time: seconds in five bytes, then, unless they are 0, nanos in at most five;
// what a writer that uses no more than it needs makes of a time from 2^28 seconds on (1978) to 2^35
// (3058).
bool ReadUsualTimestamp(absl::string_view bytes, int64_t* seconds, int32_t* nanos) {
  constexpr char kSecondsTag = OneByteTag(kSeconds, WireType::kVarint);
  constexpr char kNanosTag = OneByteTag(kNanos, WireType::kVarint);
  constexpr size_t kSecondsEnd = 6;
  constexpr size_t kMostBytes = 12;
  if (bytes.size() < kSecondsEnd || bytes.size() > kMostBytes || bytes[0] != kSecondsTag) {
    return false;
  }
  const auto at = [&](size_t place) { return uint64_t{static_cast<uint8_t>(bytes[place])}; };
  // Four bytes that go on, then one that does not; without the bits that say so.
  constexpr uint64_t kGoOn = 0x80 + (0x80 << 7) + (0x80 << 14) + (uint64_t{0x80} << 21);
  const uint64_t value = (at(1) + (at(2) << 7) + (at(3) << 14) + (at(4) << 21) + (at(5) << 28));
  if ((at(1) & at(2) & at(3) & at(4) & 0x80) == 0 || (at(5) & 0x80) != 0) return false;
  *seconds = static_cast<int64_t>(value - kGoOn);
  *nanos = 0;
  if (bytes.size() == kSecondsEnd) return true;
  if (bytes[kSecondsEnd] != kNanosTag) return false;
  uint64_t rest = 0;
  size_t place = kSecondsEnd + 1;
  for (int shift = 0; place < bytes.size(); ++place, shift += 7) {
    rest |= (at(place) & 0x7F) << shift;
    if (at(place) < 0x80) break;
  }
  *nanos = static_cast<int32_t>(static_cast<uint32_t>(rest));
  return place + 1 == bytes.size();
}

bool IsNameCharacter(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return absl::ascii_islower(byte) || absl::ascii_isdigit(byte);
}

}  // namespace

bool AttributeScanner::Scan(absl::string_view bytes) {
  if (IsUsualTime(bytes) && !event_.has_time && event_.attribute_count < kMaxAttributes) {
    ++event_.attribute_count;
    Timestamp timestamp;
    return ScanTimestamp(kTime, bytes.substr(kUsualTimeHead), &timestamp) && TakeTime(timestamp);
  }
  WireReader reader(bytes);
  uint32_t seen = 0;
  absl::string_view name;
  // An entry without a value has an empty one, which then is refused; its place is used in
  // messages.
  absl::string_view value_bytes = bytes.substr(bytes.size());
  while (!reader.AtEnd()) {
    uint32_t number;
    WireType wire_type;
    if (!reader.ReadTag(&number, &wire_type)) return report_.FailWire(reader, bytes);
    if (number != kMapKey && number != kMapValue) {
      if (!reader.SkipValue(number, wire_type)) return report_.FailWire(reader, bytes);
      continue;
    }
    if (wire_type != WireType::kLengthDelimited) {
      return report_.FailWireType("attributes", wire_type, WireType::kLengthDelimited);
    }
    absl::string_view* const target = number == kMapKey ? &name : &value_bytes;
    if (!reader.ReadLengthDelimited(target)) return report_.FailWire(reader, bytes);
    if (!MarkSeen(number, &seen)) {
      return report_.Fail("attributes", number == kMapKey ? "an attribute has more than one name"
                                                          : "an attribute has more than one value");
    }
  }
  if (!CheckName(name)) return false;
  if (event_.attribute_count == kMaxAttributes) {
    return report_.Fail("attributes",
                        absl::StrCat("there are more than ", kMaxAttributes, " attributes"));
  }
  // Whether there is a time is known without its name.
  if (name != kTime) names_.push_back(name);
  ++event_.attribute_count;

  Value value;
  if (!ScanValue(name, value_bytes, &value)) return false;
  Timestamp timestamp;
  if (value.kind == kCeTimestamp && !ScanTimestamp(name, value.bytes, &timestamp)) return false;
  return TakeKnown(name, value, timestamp);
}

bool AttributeScanner::CheckName(absl::string_view name) {
  if (name.empty()) return report_.Fail("attributes", "an attribute has no name");
  if (name.size() > kMaxAttributeNameBytes) {
    return report_.Fail("attributes",
                        absl::StrCat("the name ", QuoteForMessage(name), " has ", name.size(),
                                     " bytes, at most ", kMaxAttributeNameBytes, " are allowed"));
  }
  for (size_t i = 0; i < name.size(); ++i) {
    if (IsNameCharacter(name[i])) continue;
    return report_.Fail("attributes",
                        absl::StrCat(QuoteForMessage(name),
                                     " is not a valid attribute name: ", DescribeCharacter(name[i]),
                                     " at offset ", i, " is not one of [a-z0-9]"));
  }
  if (IsReservedName(name)) {
    return report_.FailAttribute(name, "is a reserved name; set the event's own field instead");
  }
  const bool known = name == kTime ? event_.has_time
                                   : std::find(names_.begin(), names_.end(), name) != names_.end();
  if (known) {
    return report_.FailMalformedAttribute(name, "is present more than once");
  }
  return true;
}

bool AttributeScanner::ScanValue(absl::string_view name, absl::string_view bytes, Value* value) {
  WireReader reader(bytes);
  while (!reader.AtEnd()) {
    uint32_t number;
    WireType wire_type;
    if (!reader.ReadTag(&number, &wire_type)) return report_.FailWire(reader, bytes);
    if (number >= kKindNames.size()) {
      if (!reader.SkipValue(number, wire_type)) return report_.FailWire(reader, bytes);
      continue;
    }
    if (value->kind != 0) return report_.FailMalformedAttribute(name, "has more than one value");
    value->kind = number;
    const bool is_varint = number == kCeBoolean || number == kCeInteger;
    const WireType expected = is_varint ? WireType::kVarint : WireType::kLengthDelimited;
    if (wire_type != expected) {
      return report_.FailWireType(absl::StrCat("attributes[", name, "].", kKindNames[number]),
                                  wire_type, expected);
    }
    uint64_t varint;
    const bool read =
        is_varint ? reader.ReadVarint(&varint) : reader.ReadLengthDelimited(&value->bytes);
    if (!read) return report_.FailWire(reader, bytes);
  }
  if (value->kind == 0) return report_.FailAttribute(name, "has no value");
  const bool is_text =
      value->kind == kCeString || value->kind == kCeUri || value->kind == kCeUriRef;
  if (is_text && !IsValidUtf8(value->bytes)) {
    return report_.FailMalformedAttribute(name, "is not valid UTF-8");
  }
  return true;
}

bool AttributeScanner::ScanTimestamp(absl::string_view name, absl::string_view bytes,
                                     Timestamp* timestamp) {
  if (ReadUsualTimestamp(bytes, &timestamp->seconds, &timestamp->nanos)) {
    return CheckTimestamp(name, *timestamp);
  }
  WireReader reader(bytes);
  uint32_t seen = 0;
  while (!reader.AtEnd()) {
    uint32_t number;
    WireType wire_type;
    if (!reader.ReadTag(&number, &wire_type)) return report_.FailWire(reader, bytes);
    if (number != kSeconds && number != kNanos) {
      if (!reader.SkipValue(number, wire_type)) return report_.FailWire(reader, bytes);
      continue;
    }
    if (wire_type != WireType::kVarint) {
      return report_.FailWireType(absl::StrCat("attributes[", name, "].ce_timestamp"), wire_type,
                                  WireType::kVarint);
    }
    uint64_t value;
    if (!reader.ReadVarint(&value)) return report_.FailWire(reader, bytes);
    if (!MarkSeen(number, &seen)) {
      return report_.FailMalformedAttribute(
          name, number == kSeconds ? "has a timestamp with seconds present more than once"
                                   : "has a timestamp with nanos present more than once");
    }
    if (number == kSeconds) {
      timestamp->seconds = static_cast<int64_t>(value);
    } else {
      // Parsers take the low 32 bits of an int32 field.
      timestamp->nanos = static_cast<int32_t>(static_cast<uint32_t>(value));
    }
  }
  return CheckTimestamp(name, *timestamp);
}

bool AttributeScanner::CheckTimestamp(absl::string_view name, const Timestamp& timestamp) {
  if (timestamp.seconds < kMinTimestampSeconds || timestamp.seconds > kMaxTimestampSeconds) {
    return report_.FailAttribute(name, absl::StrCat("is not a valid timestamp: ", timestamp.seconds,
                                                    " seconds are outside of the years 1 to 9999"));
  }
  if (timestamp.nanos < 0 || timestamp.nanos > kMaxTimestampNanos) {
    return report_.FailAttribute(name,
                                 absl::StrCat("is not a valid timestamp: ", timestamp.nanos,
                                              " nanos are outside of 0 to ", kMaxTimestampNanos));
  }
  return true;
}

bool AttributeScanner::TakeKnown(absl::string_view name, const Value& value,
                                 const Timestamp& timestamp) {
  const bool is_string = value.kind == kCeString;
  if (name == kTime) {
    if (value.kind != kCeTimestamp) return FailKind(name, value.kind, kCeTimestamp);
    return TakeTime(timestamp);
  }
  if (name == "partitionkey") {
    if (!is_string) return FailKind(name, value.kind, kCeString);
    if (value.bytes.empty() || value.bytes.size() > kMaxPartitionKeyBytes) {
      return report_.FailAttribute(name, absl::StrCat("has ", value.bytes.size(), " bytes, 1 to ",
                                                      kMaxPartitionKeyBytes, " are allowed"));
    }
    event_.has_partition_key = true;
    event_.partition_key = value.bytes;
  } else if (name == "expirytime") {
    event_.has_expiry = true;
    if (value.kind == kCeTimestamp) {
      event_.expires_ms =
          std::max<int64_t>(timestamp.seconds * 1000 + timestamp.nanos / 1'000'000, 1);
    }
  } else if (name == "traceparent") {
    event_.has_traceparent = true;
    if (is_string) event_.traceparent = value.bytes;
  } else if (name == "tracestate") {
    event_.has_tracestate = true;
  } else if (name == "subject" && is_string) {
    event_.subject = value.bytes;
  }
  return true;
}

bool AttributeScanner::TakeTime(const Timestamp& timestamp) {
  event_.has_time = true;
  event_.time_seconds = timestamp.seconds;
  event_.time_nanos = timestamp.nanos;
  return true;
}

bool AttributeScanner::FailKind(absl::string_view name, uint32_t actual, uint32_t expected) {
  return report_.FailAttribute(
      name, absl::StrCat("is a ", kKindNames[actual], ", it must be a ", kKindNames[expected]));
}

}  // namespace eventbus
