#ifndef EVENTBUS_SERVER_BROKER_EVENT_WRITER_H_
#define EVENTBUS_SERVER_BROKER_EVENT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/broker/event_scanner.h"

// Writes scanned events the way an entry's value holds them: as the elements of `repeated Event
// events = 1`, each a tag, a length and the event's own bytes. Pure, for any thread.
//
//   std::string entry;
//   entry.reserve(FramedSize(first, fill_ins) + FramedSize(second, fill_ins));
//   AppendFramedEvent(first, fill_ins, &entry);
//   AppendFramedEvent(second, fill_ins, &entry);
namespace eventbus {

// What the broker adds to an event that lacks it. A value is used only when the event has none, and
// left out altogether when it is empty here. The views must live for the duration of the call.
struct FillIns {
  absl::string_view id;
  absl::string_view source;
  absl::string_view spec_version = "1.0";
  // Attribute `time`: seconds and nanoseconds since 1970; always used when the event has none.
  int64_t time_seconds = 0;
  int32_t time_nanos = 0;
  // Attributes `traceparent` and `tracestate`, from the call's metadata. The state belongs to the
  // parent, so it is used only together with that.
  absl::string_view traceparent;
  absl::string_view tracestate;
  // The attribute `expirytime`, as EncodeExpiry writes it.
  absl::string_view expiry;
};

// The field of an event that holds the attribute `expirytime`.
std::string EncodeExpiry(int64_t expires_ms);

// Bytes of the event itself once the fill-ins are in and empty fields out: what max_event_bytes
// would be compared with on the way out.
size_t EventSizeWith(const ScannedEvent& event, const FillIns& fill_ins);

// Exactly the number of bytes that AppendFramedEvent appends.
size_t FramedSize(const ScannedEvent& event, const FillIns& fill_ins);

// Appends the framed event: its bytes as they came, without empty id, source and spec_version
// fields, and then what is filled in.
void AppendFramedEvent(const ScannedEvent& event, const FillIns& fill_ins, std::string* entry);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_WRITER_H_
