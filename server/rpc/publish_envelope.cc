#include "server/rpc/publish_envelope.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/scan_report.h"
#include "server/broker/wire.h"
#include "server/rpc/errors.h"

namespace eventbus {
namespace {

using Kind = PublishEnvelope::Kind;

constexpr size_t kLeastEventBytes = 16;
constexpr size_t kMostReserved = 1'000;

// What a field of an outer message is for.
enum class Field : uint8_t {
  kNone,
  kEvent,
  kOptions,
  kExpectedPosition,
  kAtomic,
  kSequence,
  kReturnResults
};

// The fields of one outer message, by number.
struct Schema {
  const char* message;
  std::array<Field, 5> fields;
};

const Schema& SchemaOf(Kind kind) {
  static constexpr Schema kPublish = {
      "PublishRequest", {Field::kNone, Field::kEvent, Field::kOptions, Field::kExpectedPosition}};
  static constexpr Schema kBatch = {
      "PublishBatchRequest",
      {Field::kNone, Field::kEvent, Field::kAtomic, Field::kOptions, Field::kExpectedPosition}};
  static constexpr Schema kStream = {
      "PublishStreamRequest",
      {Field::kNone, Field::kEvent, Field::kSequence, Field::kOptions, Field::kReturnResults}};
  switch (kind) {
    case Kind::kPublish:
      return kPublish;
    case Kind::kBatch:
      return kBatch;
    case Kind::kStream:
      return kStream;
  }
  return kPublish;
}

absl::string_view FieldName(Kind kind, Field field) {
  switch (field) {
    case Field::kNone:
      return "";
    case Field::kEvent:
      return kind == Kind::kPublish ? "event" : "events";
    case Field::kOptions:
      return "options";
    case Field::kExpectedPosition:
      return "expected_position";
    case Field::kAtomic:
      return "atomic";
    case Field::kSequence:
      return "sequence";
    case Field::kReturnResults:
      return "return_results";
  }
  return "";
}

WireType WireTypeOf(Field field) {
  switch (field) {
    case Field::kAtomic:
    case Field::kSequence:
    case Field::kReturnResults:
      return WireType::kVarint;
    default:
      return WireType::kLengthDelimited;
  }
}

// Reads one outer message.
class EnvelopeReader {
 public:
  EnvelopeReader(Kind kind, absl::string_view message, PublishEnvelope* envelope)
      : kind_(kind),
        schema_(SchemaOf(kind)),
        message_bytes_(message.size()),
        reader_(message),
        envelope_(*envelope) {}

  absl::Status Read();

 private:
  absl::Status ReadField(Field field, size_t begin);
  absl::Status ReadNumber(Field field);
  absl::Status ReadBytes(Field field, size_t begin);
  absl::Status Malformed() const {
    return MalformedRequest(absl::StrCat("not a valid eventbus.v1.", schema_.message, ": ",
                                         WireErrorText(reader_.error()), " at offset ",
                                         reader_.offset()));
  }

  const Kind kind_;
  const Schema& schema_;
  const size_t message_bytes_;
  WireReader reader_;
  PublishEnvelope& envelope_;
  uint32_t seen_ = 0;
  // Where the last event's field ended.
  size_t events_end_ = 0;
};

absl::Status EnvelopeReader::Read() {
  envelope_.kind = kind_;
  envelope_.back_to_back = true;
  while (!reader_.AtEnd()) {
    const size_t begin = reader_.offset();
    uint32_t number;
    WireType wire_type;
    if (!reader_.ReadTag(&number, &wire_type)) return Malformed();
    const Field field = number < schema_.fields.size() ? schema_.fields[number] : Field::kNone;
    if (field == Field::kNone) {
      if (!reader_.SkipValue(number, wire_type)) return Malformed();
      continue;
    }
    if (wire_type != WireTypeOf(field)) {
      return MalformedRequest(absl::StrCat(FieldName(kind_, field), ": is encoded with wire type ",
                                           static_cast<int>(wire_type), " where ",
                                           static_cast<int>(WireTypeOf(field)), " is expected"));
    }
    const bool repeated = field == Field::kEvent && kind_ != Kind::kPublish;
    if (!repeated && !MarkSeen(number, &seen_)) {
      return MalformedRequest(absl::StrCat(FieldName(kind_, field), ": is present more than once"));
    }
    if (absl::Status status = ReadField(field, begin); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status EnvelopeReader::ReadField(Field field, size_t begin) {
  return WireTypeOf(field) == WireType::kVarint ? ReadNumber(field) : ReadBytes(field, begin);
}

absl::Status EnvelopeReader::ReadNumber(Field field) {
  uint64_t value;
  if (!reader_.ReadVarint(&value)) return Malformed();
  if (field == Field::kSequence) envelope_.sequence = value;
  if (field == Field::kReturnResults) envelope_.return_results = value != 0;
  if (field == Field::kAtomic) envelope_.atomic = value != 0;
  return absl::OkStatus();
}

absl::Status EnvelopeReader::ReadBytes(Field field, size_t begin) {
  absl::string_view value;
  if (!reader_.ReadLengthDelimited(&value)) return Malformed();
  if (field == Field::kExpectedPosition) return UnimplementedField("expected_position");
  if (field == Field::kOptions) {
    envelope_.options = value;
    return absl::OkStatus();
  }
  if (reader_.offset() - begin != LengthDelimitedSize(value.size()) ||
      (!envelope_.events.empty() && begin != events_end_)) {
    envelope_.back_to_back = false;
  }
  events_end_ = reader_.offset();
  // As many as there are if all are as large.
  if (envelope_.events.size() == 1) {
    envelope_.events.reserve(
        std::min(message_bytes_ / std::max<size_t>(value.size(), kLeastEventBytes), kMostReserved));
  }
  envelope_.events.push_back(value);
  return absl::OkStatus();
}

}  // namespace

std::string PublishEnvelope::EventPath(size_t index) const {
  return kind == Kind::kPublish ? "event" : absl::StrCat("events[", index, "]");
}

absl::Status ReadPublishEnvelope(Kind kind, absl::string_view message, PublishEnvelope* envelope) {
  return EnvelopeReader(kind, message, envelope).Read();
}

}  // namespace eventbus
