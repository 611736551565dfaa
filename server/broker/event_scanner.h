#ifndef EVENTBUS_SERVER_BROKER_EVENT_SCANNER_H_
#define EVENTBUS_SERVER_BROKER_EVENT_SCANNER_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/broker/field_violation.h"

// The check at the door: one strict pass over the bytes of an eventbus.v1.Event, without a full
// parse. What it accepts, every protobuf parser accepts, and reads the same values from: that is
// what allows the broker to store and forward the bytes as they came. Pure, for any thread.
//
//   ScannedEvent event;
//   FieldViolation violation;
//   if (!ScanEvent(bytes, EventLimits{}, &event, &violation)) {
//     return violation.Prefixed("events[3]");
//   }
//   Route(event.type);
namespace eventbus {

struct EventLimits {
  // Size of one serialized event, as the publisher sent it.
  size_t max_event_bytes = 1024 * 1024;
};

inline constexpr size_t kMaxEventIdBytes = 255;
inline constexpr size_t kMaxEventSourceBytes = 1024;
inline constexpr size_t kMaxPartitionKeyBytes = 255;
inline constexpr size_t kMaxAttributeNameBytes = 64;
// Attributes of one event.
inline constexpr size_t kMaxAttributes = 128;

// Which member of Event's `data` is set.
enum class EventDataKind : uint8_t { kNone, kBinary, kText, kProto };

// A part of the scanned bytes: [offset, offset + size).
struct ByteRange {
  size_t offset = 0;
  size_t size = 0;
};

// What the broker needs to know of an event. The views point into the bytes that were scanned,
// which must outlive it.
struct ScannedEvent {
  // The whole event, as scanned.
  absl::string_view bytes;

  absl::string_view type;
  // Empty when absent. On the wire an empty one may be present all the same: it counts as absent.
  absl::string_view id;
  absl::string_view source;
  absl::string_view spec_version;

  // Attributes, empty when absent. `subject` and `traceparent` are read only when they are strings;
  // of another kind they are kept in the bytes and not looked at.
  absl::string_view partition_key;
  absl::string_view subject;
  absl::string_view traceparent;

  // Attribute `time`, when has_time: seconds and nanoseconds since 1970, in the range of
  // google.protobuf.Timestamp.
  int64_t time_seconds = 0;
  int32_t time_nanos = 0;

  // Attribute `expirytime`, when it is a timestamp: Unix ms, at least 1. 0: none.
  int64_t expires_ms = 0;

  bool has_id = false;
  bool has_source = false;
  bool has_spec_version = false;
  bool has_time = false;
  bool has_partition_key = false;
  // True also when the attribute is there and not a string: no other may be added.
  bool has_traceparent = false;
  bool has_tracestate = false;
  // True also when the attribute is there and not a timestamp: no other may be added.
  bool has_expiry = false;

  EventDataKind data_kind = EventDataKind::kNone;
  // Bytes of the data; of proto_data, those of the whole Any.
  size_t data_size = 0;
  size_t attribute_count = 0;

  // The empty id, source and spec_version fields that are on the wire, in order of offset. Whoever
  // appends a value for such a field must leave these parts out, or the field would be there twice.
  std::array<ByteRange, 3> empty_fields;
  size_t empty_field_count = 0;

  // What the events of one stream are kept in order by: the partition key, else the source that the
  // publisher set; empty when there is neither.
  absl::string_view OrderingKey() const { return has_partition_key ? partition_key : source; }
};

// Scans and validates `bytes`. True: `*event` is filled. False: `*violation` tells the first thing
// found wrong, and `*event` is in an unspecified state.
//
// Refused are: known fields with a wrong wire type, or present twice (two members of one oneof, two
// equal attribute names and repeated keys or values of an attribute count as that); strings that
// are not UTF-8; malformed or truncated encoding; field number 0; tags in more bytes than they
// need; unknown groups nested deeper than 16; a type that is absent or invalid; id, source,
// partition key and attribute names that are too long; attribute names that are not [a-z0-9] or
// that CloudEvents reserves (id, source, specversion, type, data); attributes without a value; a
// spec_version other than 1.0; a `time` that is not a timestamp, a `partitionkey` that is not a
// non-empty string; timestamps outside of protobuf's range; more than kMaxAttributes attributes.
// Unknown fields are accepted at every level.
bool ScanEvent(absl::string_view bytes, const EventLimits& limits, ScannedEvent* event,
               FieldViolation* violation);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_SCANNER_H_
