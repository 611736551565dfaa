#include "tests/fuzz/event_differential.h"

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "eventbus/v1/event.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/unknown_field_set.h"
#include "server/broker/entry_reader.h"
#include "server/broker/event_scanner.h"
#include "server/broker/event_writer.h"
#include "server/broker/field_violation.h"

namespace eventbus {
namespace {

using AttributeValue = v1::Event::AttributeValue;

constexpr FillIns kFillIns = {.id = "filled-in-id",
                              .source = "filled-in-source",
                              .time_seconds = 1700000000,
                              .time_nanos = 5,
                              .traceparent = "filled-in-parent",
                              .tracestate = "filled-in-state"};

bool Parse(absl::string_view bytes, v1::Event* event) {
  return event->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// Equal for equal events, unknown fields included: attributes are in order of name.
std::string SerializeDeterministically(const v1::Event& event) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream output(&stream);
  output.SetSerializationDeterministic(true);
  event.SerializeToCodedStream(&output);
  output.Trim();
  return bytes;
}

// Collects differences as lines of text.
class Differences {
 public:
  void ExpectText(absl::string_view what, absl::string_view scanned, absl::string_view parsed) {
    if (scanned == parsed) return;
    absl::StrAppend(&text_, what, ": scanned \"", absl::CHexEscape(scanned), "\", parsed \"",
                    absl::CHexEscape(parsed), "\"\n");
  }
  void ExpectNumber(absl::string_view what, int64_t scanned, int64_t parsed) {
    if (scanned == parsed) return;
    absl::StrAppend(&text_, what, ": scanned ", scanned, ", parsed ", parsed, "\n");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

const AttributeValue* FindAttribute(const v1::Event& event, const char* name) {
  const auto found = event.attributes().find(name);
  return found == event.attributes().end() ? nullptr : &found->second;
}

std::string TextAttribute(const v1::Event& event, const char* name) {
  const AttributeValue* value = FindAttribute(event, name);
  return value == nullptr ? "" : value->ce_string();
}

EventDataKind ParsedDataKind(const v1::Event& event) {
  switch (event.data_case()) {
    case v1::Event::kBinaryData:
      return EventDataKind::kBinary;
    case v1::Event::kTextData:
      return EventDataKind::kText;
    case v1::Event::kProtoData:
      return EventDataKind::kProto;
    case v1::Event::DATA_NOT_SET:
      break;
  }
  return EventDataKind::kNone;
}

void CompareData(const ScannedEvent& scanned, const v1::Event& parsed, Differences* differences) {
  differences->ExpectNumber("data kind", static_cast<int>(scanned.data_kind),
                            static_cast<int>(ParsedDataKind(parsed)));
  if (parsed.has_binary_data()) {
    differences->ExpectNumber("data size", static_cast<int64_t>(scanned.data_size),
                              static_cast<int64_t>(parsed.binary_data().size()));
  } else if (parsed.has_text_data()) {
    differences->ExpectNumber("data size", static_cast<int64_t>(scanned.data_size),
                              static_cast<int64_t>(parsed.text_data().size()));
  }
}

void CompareFields(const ScannedEvent& scanned, const v1::Event& parsed, Differences* differences) {
  differences->ExpectText("type", scanned.type, parsed.type());
  differences->ExpectText("id", scanned.id, parsed.id());
  differences->ExpectText("source", scanned.source, parsed.source());
  differences->ExpectText("spec_version", scanned.spec_version, parsed.spec_version());
  differences->ExpectNumber("has id", scanned.has_id, !parsed.id().empty());
  differences->ExpectNumber("has source", scanned.has_source, !parsed.source().empty());
  differences->ExpectNumber("has spec_version", scanned.has_spec_version,
                            !parsed.spec_version().empty());

  differences->ExpectNumber("attributes", static_cast<int64_t>(scanned.attribute_count),
                            static_cast<int64_t>(parsed.attributes().size()));
  for (const auto& [name, value] : parsed.attributes()) {
    differences->ExpectNumber(absl::StrCat("value of ", name), 1,
                              value.attr_case() != AttributeValue::ATTR_NOT_SET);
  }
  differences->ExpectText("partitionkey", scanned.partition_key,
                          TextAttribute(parsed, "partitionkey"));
  differences->ExpectText("subject", scanned.subject, TextAttribute(parsed, "subject"));
  differences->ExpectText("traceparent", scanned.traceparent, TextAttribute(parsed, "traceparent"));
  differences->ExpectNumber("has partitionkey", scanned.has_partition_key,
                            FindAttribute(parsed, "partitionkey") != nullptr);
  differences->ExpectNumber("has traceparent", scanned.has_traceparent,
                            FindAttribute(parsed, "traceparent") != nullptr);
  differences->ExpectNumber("has tracestate", scanned.has_tracestate,
                            FindAttribute(parsed, "tracestate") != nullptr);
  const AttributeValue* time = FindAttribute(parsed, "time");
  differences->ExpectNumber("has time", scanned.has_time,
                            time != nullptr && time->has_ce_timestamp());
  if (time != nullptr) {
    differences->ExpectNumber("seconds", scanned.time_seconds, time->ce_timestamp().seconds());
    differences->ExpectNumber("nanos", scanned.time_nanos, time->ce_timestamp().nanos());
  }
  CompareData(scanned, parsed, differences);
}

// How often each field number from 1 to 15 is on the wire of a message, without regard to what it
// means.
class FieldCounts {
 public:
  explicit FieldCounts(const std::string& message) {
    parsed_ = fields_.ParseFromString(message);
    for (int i = 0; i < fields_.field_count(); ++i) {
      if (fields_.field(i).number() < 16) ++counts_[static_cast<size_t>(fields_.field(i).number())];
    }
  }

  int Sum(size_t first, size_t last) const {
    int sum = 0;
    for (size_t number = first; number <= last; ++number) sum += counts_[number];
    return sum;
  }
  bool AtMostOnce(size_t first, size_t last) const {
    for (size_t number = first; number <= last; ++number) {
      if (counts_[number] > 1) return false;
    }
    return parsed_;
  }
  // The bytes of the fields with this number.
  std::vector<std::string> Values(int number) const {
    std::vector<std::string> values;
    for (int i = 0; i < fields_.field_count(); ++i) {
      const google::protobuf::UnknownField& field = fields_.field(i);
      if (field.number() == number &&
          field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
        values.push_back(field.length_delimited());
      }
    }
    return values;
  }

 private:
  google::protobuf::UnknownFieldSet fields_;
  bool parsed_;
  std::array<int, 16> counts_{};
};

// Parsers merge or overwrite fields that are there twice, some one way and some the other, so what
// they read does not show it: look at the wire.
void ExpectNoRepetition(absl::string_view bytes, Differences* differences) {
  const FieldCounts event{std::string(bytes)};
  differences->ExpectNumber("fields at most once", event.AtMostOnce(1, 4), true);
  differences->ExpectNumber("data at most once", event.Sum(6, 8) <= 1, true);
  for (const std::string& any : event.Values(8)) {
    differences->ExpectNumber("Any's fields at most once", FieldCounts(any).AtMostOnce(1, 2), true);
  }
  for (const std::string& entry : event.Values(5)) {
    const FieldCounts attribute(entry);
    differences->ExpectNumber("names", 1, attribute.Sum(1, 1));
    differences->ExpectNumber("values", 1, attribute.Sum(2, 2));
    for (const std::string& value_bytes : attribute.Values(2)) {
      const FieldCounts value(value_bytes);
      differences->ExpectNumber("value's members", 1, value.Sum(1, 7));
      for (const std::string& timestamp : value.Values(7)) {
        differences->ExpectNumber("Timestamp's fields at most once",
                                  FieldCounts(timestamp).AtMostOnce(1, 2), true);
      }
    }
  }
}

// The fill-ins by protobuf's own means.
v1::Event WithFillIns(v1::Event event) {
  if (event.id().empty()) event.set_id(std::string(kFillIns.id));
  if (event.source().empty()) event.set_source(std::string(kFillIns.source));
  if (event.spec_version().empty()) event.set_spec_version(std::string(kFillIns.spec_version));
  auto& attributes = *event.mutable_attributes();
  if (attributes.count("time") == 0) {
    auto* time = attributes["time"].mutable_ce_timestamp();
    time->set_seconds(kFillIns.time_seconds);
    time->set_nanos(kFillIns.time_nanos);
  }
  if (attributes.count("traceparent") == 0) {
    attributes["traceparent"].set_ce_string(std::string(kFillIns.traceparent));
    if (attributes.count("tracestate") == 0) {
      attributes["tracestate"].set_ce_string(std::string(kFillIns.tracestate));
    }
  }
  return event;
}

void CompareWritten(const ScannedEvent& scanned, const v1::Event& parsed,
                    Differences* differences) {
  std::string entry = "before";
  AppendFramedEvent(scanned, kFillIns, &entry);
  const absl::string_view framed = absl::string_view(entry).substr(6);
  differences->ExpectNumber("framed size", static_cast<int64_t>(FramedSize(scanned, kFillIns)),
                            static_cast<int64_t>(framed.size()));

  EntryReader reader(framed);
  FramedEvent event;
  if (!reader.Next(&event) || event.framed != framed) {
    differences->ExpectText("framing", absl::CHexEscape(framed), "one framed event");
    return;
  }
  v1::Event written;
  differences->ExpectNumber("written event parses", Parse(event.event, &written), true);
  const v1::Event expected = WithFillIns(parsed);
  differences->ExpectText("written event", SerializeDeterministically(written),
                          SerializeDeterministically(expected));
  ScannedEvent again;
  FieldViolation violation;
  if (scanned.attribute_count + 3 <= kMaxAttributes &&
      (!ScanEvent(event.event, EventLimits{}, &again, &violation) || !again.has_id ||
       !again.has_source || !again.has_spec_version || !again.has_time ||
       again.empty_field_count != 0)) {
    differences->ExpectText("written event scans", violation.ToString(), "");
  }
}

std::string RandomText(size_t max_size, std::mt19937_64& random) {
  std::string text;
  for (size_t size = random() % (max_size + 1); text.size() < size;) {
    switch (random() % 8) {
      case 0:
        text += "ü";
        break;
      case 1:
        text += "漢";
        break;
      case 2:
        text += "🙂";
        break;
      default:
        text += static_cast<char>(' ' + random() % 95);
    }
  }
  return text;
}

AttributeValue RandomAttributeValue(std::mt19937_64& random) {
  AttributeValue value;
  switch (random() % 7) {
    case 0:
      value.set_ce_boolean(random() % 2 == 0);
      break;
    case 1:
      value.set_ce_integer(static_cast<int32_t>(random()));
      break;
    case 2:
      value.set_ce_string(RandomText(20, random));
      break;
    case 3:
      value.set_ce_bytes(RandomText(20, random) + "\xff");
      break;
    case 4:
      value.set_ce_uri(RandomText(20, random));
      break;
    case 5:
      value.set_ce_uri_ref(RandomText(20, random));
      break;
    default:
      value.mutable_ce_timestamp()->set_seconds(static_cast<int64_t>(random() % 2000000000) -
                                                1000000000);
      value.mutable_ce_timestamp()->set_nanos(static_cast<int32_t>(random() % 1000000000));
  }
  return value;
}

}  // namespace

Comparison CompareWithProtobuf(absl::string_view bytes) {
  ScannedEvent scanned;
  FieldViolation violation;
  if (!ScanEvent(bytes, EventLimits{}, &scanned, &violation)) return {Verdict::kRefused, ""};
  v1::Event parsed;
  Differences differences;
  if (Parse(bytes, &parsed)) {
    CompareFields(scanned, parsed, &differences);
    ExpectNoRepetition(bytes, &differences);
    CompareWritten(scanned, parsed, &differences);
  } else {
    differences.ExpectText("verdict", "accepted", "refused");
  }
  if (differences.text().empty()) return {Verdict::kAccepted, ""};
  return {Verdict::kDisagreement,
          absl::StrCat(differences.text(), "event: ", absl::BytesToHexString(bytes))};
}

std::string MakeRandomEvent(std::mt19937_64& random) {
  const auto sometimes = [&random] { return random() % 2 == 0; };
  v1::Event event;
  event.set_type(sometimes() ? "order.completed.v1" : "a.B-c._");
  if (sometimes()) event.set_id(RandomText(40, random));
  if (sometimes()) event.set_source(RandomText(40, random));
  if (sometimes()) event.set_spec_version("1.0");
  auto& attributes = *event.mutable_attributes();
  if (sometimes()) attributes["partitionkey"].set_ce_string("k" + RandomText(20, random));
  if (sometimes()) attributes["subject"] = RandomAttributeValue(random);
  if (sometimes()) attributes["traceparent"] = RandomAttributeValue(random);
  if (random() % 8 == 0) attributes["tracestate"] = RandomAttributeValue(random);
  if (sometimes()) attributes["time"].mutable_ce_timestamp()->set_seconds(1700000000);
  for (size_t i = random() % 4; i > 0; --i) {
    attributes[absl::StrCat("ext", random() % 100)] = RandomAttributeValue(random);
  }
  switch (random() % 4) {
    case 0:
      event.set_binary_data(RandomText(300, random) + "\xff");
      break;
    case 1:
      event.set_text_data(RandomText(100, random));
      break;
    case 2:
      event.mutable_proto_data()->set_type_url("type.example/" + RandomText(10, random));
      event.mutable_proto_data()->set_value(RandomText(50, random));
      break;
    default:
      break;
  }
  if (random() % 4 == 0) {
    auto* unknown = event.GetReflection()->MutableUnknownFields(&event);
    unknown->AddVarint(9, random());
    unknown->AddLengthDelimited(1000, RandomText(10, random));
    unknown->AddFixed32(10, static_cast<uint32_t>(random()));
    unknown->AddFixed64(536870911, random());
    unknown->AddGroup(11)->AddGroup(12)->AddVarint(1, 1);
  }
  return event.SerializeAsString();
}

}  // namespace eventbus
