#ifndef EVENTBUS_SERVER_BROKER_ATTRIBUTE_SCANNER_H_
#define EVENTBUS_SERVER_BROKER_ATTRIBUTE_SCANNER_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/broker/event_scanner.h"
#include "server/broker/scan_report.h"

namespace eventbus {

// The part of ScanEvent that checks the attributes of one event, and takes from them what
// ScannedEvent holds. One per scan; the event, the report and the scanned bytes must outlive it.
class AttributeScanner {
 public:
  AttributeScanner(ScannedEvent* event, ScanReport* report) : event_(*event), report_(*report) {}

  // Scans one entry of the map `attributes`, without its tag and length. False once something wrong
  // was reported.
  bool Scan(absl::string_view bytes);

 private:
  // The value of an attribute as it is on the wire.
  struct Value {
    // Field number of the oneof's member; 0 while none was seen.
    uint32_t kind = 0;
    // The member's bytes, unless it is a number.
    absl::string_view bytes;
  };
  struct Timestamp {
    int64_t seconds = 0;
    int32_t nanos = 0;
  };

  bool CheckName(absl::string_view name);
  bool ScanValue(absl::string_view name, absl::string_view bytes, Value* value);
  bool ScanTimestamp(absl::string_view name, absl::string_view bytes, Timestamp* timestamp);
  bool CheckTimestamp(absl::string_view name, const Timestamp& timestamp);
  bool TakeKnown(absl::string_view name, const Value& value, const Timestamp& timestamp);
  bool TakeTime(const Timestamp& timestamp);
  bool FailKind(absl::string_view name, uint32_t actual, uint32_t expected);

  ScannedEvent& event_;
  ScanReport& report_;
  // Those of the entries scanned so far, but for the time's.
  absl::InlinedVector<absl::string_view, 16> names_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_ATTRIBUTE_SCANNER_H_
