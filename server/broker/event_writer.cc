#include "server/broker/event_writer.h"

#include <algorithm>
#include <array>

#include "server/broker/wire.h"

namespace eventbus {
namespace {

// Field numbers of eventbus.v1.Event and its attributes' messages; none is above 15, so every tag
// is one byte.
constexpr char kEventsTag = OneByteTag(1, WireType::kLengthDelimited);
constexpr char kIdTag = OneByteTag(1, WireType::kLengthDelimited);
constexpr char kSourceTag = OneByteTag(2, WireType::kLengthDelimited);
constexpr char kSpecVersionTag = OneByteTag(3, WireType::kLengthDelimited);
constexpr char kAttributesTag = OneByteTag(5, WireType::kLengthDelimited);
constexpr char kMapKeyTag = OneByteTag(1, WireType::kLengthDelimited);
constexpr char kMapValueTag = OneByteTag(2, WireType::kLengthDelimited);
constexpr char kCeStringTag = OneByteTag(3, WireType::kLengthDelimited);
constexpr char kCeTimestampTag = OneByteTag(7, WireType::kLengthDelimited);
constexpr char kSecondsTag = OneByteTag(1, WireType::kVarint);
constexpr char kNanosTag = OneByteTag(2, WireType::kVarint);

constexpr absl::string_view kTimeName = "time";
constexpr absl::string_view kExpiryName = "expirytime";
constexpr absl::string_view kTraceparentName = "traceparent";
constexpr absl::string_view kTracestateName = "tracestate";

// The sizes that are written more than once, computed once.
struct Layout {
  bool id;
  bool source;
  bool spec_version;
  bool time;
  bool traceparent;
  bool tracestate;
  bool expiry;
  // Sizes of messages without their own tag and length.
  size_t timestamp_size = 0;
  size_t time_entry_size = 0;
  size_t event_size = 0;
};

// A negative number takes the 10 bytes of its 64-bit two's complement.
uint64_t VarintOf(int64_t value) { return static_cast<uint64_t>(value); }

size_t TimestampSize(const FillIns& fill_ins) {
  size_t size = 0;
  if (fill_ins.time_seconds != 0) size += 1 + VarintSize(VarintOf(fill_ins.time_seconds));
  if (fill_ins.time_nanos != 0) size += 1 + VarintSize(VarintOf(fill_ins.time_nanos));
  return size;
}

// A map entry of `attributes` whose value is a message of one length-delimited field.
size_t AttributeEntrySize(absl::string_view name, size_t value_size) {
  return LengthDelimitedSize(name.size()) + LengthDelimitedSize(LengthDelimitedSize(value_size));
}

Layout MakeLayout(const ScannedEvent& event, const FillIns& fill_ins) {
  Layout layout;
  layout.id = !event.has_id && !fill_ins.id.empty();
  layout.source = !event.has_source && !fill_ins.source.empty();
  layout.spec_version = !event.has_spec_version && !fill_ins.spec_version.empty();
  layout.time = !event.has_time;
  layout.traceparent = !event.has_traceparent && !fill_ins.traceparent.empty();
  layout.tracestate = layout.traceparent && !event.has_tracestate && !fill_ins.tracestate.empty();
  layout.expiry = !event.has_expiry && !fill_ins.expiry.empty();

  size_t size = event.bytes.size();
  for (size_t i = 0; i < event.empty_field_count; ++i) size -= event.empty_fields[i].size;
  if (layout.id) size += LengthDelimitedSize(fill_ins.id.size());
  if (layout.source) size += LengthDelimitedSize(fill_ins.source.size());
  if (layout.spec_version) size += LengthDelimitedSize(fill_ins.spec_version.size());
  if (layout.time) {
    layout.timestamp_size = TimestampSize(fill_ins);
    layout.time_entry_size = AttributeEntrySize(kTimeName, layout.timestamp_size);
    size += LengthDelimitedSize(layout.time_entry_size);
  }
  if (layout.traceparent) {
    size += LengthDelimitedSize(AttributeEntrySize(kTraceparentName, fill_ins.traceparent.size()));
  }
  if (layout.tracestate) {
    size += LengthDelimitedSize(AttributeEntrySize(kTracestateName, fill_ins.tracestate.size()));
  }
  if (layout.expiry) size += fill_ins.expiry.size();
  layout.event_size = size;
  return layout;
}

void AppendKept(const ScannedEvent& event, std::string* entry) {
  size_t offset = 0;
  for (size_t i = 0; i < event.empty_field_count; ++i) {
    const ByteRange& range = event.empty_fields[i];
    entry->append(event.bytes.data() + offset, range.offset - offset);
    offset = range.offset + range.size;
  }
  entry->append(event.bytes.data() + offset, event.bytes.size() - offset);
}

char* WriteTime(const Layout& layout, const FillIns& fill_ins, char* out) {
  out = WriteLengthDelimitedHead(kAttributesTag, layout.time_entry_size, out);
  out = WriteLengthDelimitedField(kMapKeyTag, kTimeName, out);
  out = WriteLengthDelimitedHead(kMapValueTag, LengthDelimitedSize(layout.timestamp_size), out);
  out = WriteLengthDelimitedHead(kCeTimestampTag, layout.timestamp_size, out);
  if (fill_ins.time_seconds != 0) {
    *out++ = kSecondsTag;
    out = WriteVarint(VarintOf(fill_ins.time_seconds), out);
  }
  if (fill_ins.time_nanos != 0) {
    *out++ = kNanosTag;
    out = WriteVarint(VarintOf(fill_ins.time_nanos), out);
  }
  return out;
}

char* WriteStringAttribute(absl::string_view name, absl::string_view value, char* out) {
  out = WriteLengthDelimitedHead(kAttributesTag, AttributeEntrySize(name, value.size()), out);
  out = WriteLengthDelimitedField(kMapKeyTag, name, out);
  out = WriteLengthDelimitedHead(kMapValueTag, LengthDelimitedSize(value.size()), out);
  return WriteLengthDelimitedField(kCeStringTag, value, out);
}

}  // namespace

std::string EncodeExpiry(int64_t expires_ms) {
  std::string timestamp;
  AppendVarintField(1, VarintOf(expires_ms / 1000), &timestamp);
  AppendVarintField(2, VarintOf(expires_ms % 1000 * 1'000'000), &timestamp);
  std::string value;
  AppendLengthDelimitedField(7, timestamp, &value);
  std::string entry;
  AppendLengthDelimitedField(1, kExpiryName, &entry);
  AppendLengthDelimitedField(2, value, &entry);
  std::string field;
  AppendLengthDelimitedField(5, entry, &field);
  return field;
}

size_t EventSizeWith(const ScannedEvent& event, const FillIns& fill_ins) {
  return MakeLayout(event, fill_ins).event_size;
}

size_t FramedSize(const ScannedEvent& event, const FillIns& fill_ins) {
  return LengthDelimitedSize(EventSizeWith(event, fill_ins));
}

void AppendFramedEvent(const ScannedEvent& event, const FillIns& fill_ins, std::string* entry) {
  const Layout layout = MakeLayout(event, fill_ins);
  const size_t end = entry->size() + LengthDelimitedSize(layout.event_size);
  // At most one allocation, and at least doubling, so that many small events cost few.
  if (end > entry->capacity()) entry->reserve(std::max(end, 2 * entry->capacity()));

  std::array<char, 1 + kMaxVarintBytes> head;
  const char* head_end = WriteLengthDelimitedHead(kEventsTag, layout.event_size, head.data());
  entry->append(head.data(), static_cast<size_t>(head_end - head.data()));
  AppendKept(event, entry);

  const size_t fill_ins_begin = entry->size();
  entry->resize(end);
  char* out = entry->data() + fill_ins_begin;
  if (layout.id) out = WriteLengthDelimitedField(kIdTag, fill_ins.id, out);
  if (layout.source) out = WriteLengthDelimitedField(kSourceTag, fill_ins.source, out);
  if (layout.spec_version)
    out = WriteLengthDelimitedField(kSpecVersionTag, fill_ins.spec_version, out);
  if (layout.time) out = WriteTime(layout, fill_ins, out);
  if (layout.traceparent) out = WriteStringAttribute(kTraceparentName, fill_ins.traceparent, out);
  if (layout.tracestate) {
    out = WriteStringAttribute(kTracestateName, fill_ins.tracestate, out);
  }
  if (layout.expiry) WriteBytes(fill_ins.expiry, out);
}

}  // namespace eventbus
