#ifndef EVENTBUS_SERVER_BROKER_SCAN_REPORT_H_
#define EVENTBUS_SERVER_BROKER_SCAN_REPORT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/broker/field_violation.h"
#include "server/broker/wire.h"

namespace eventbus {

// Where one scan of an event puts what it finds wrong. All functions return false, so that a check
// can end with `return report.Fail(…)`. Lives as long as the scan; the event's bytes and the
// violation must too.
class ScanReport {
 public:
  ScanReport(absl::string_view event_bytes, FieldViolation* violation)
      : event_bytes_(event_bytes), violation_(violation) {}

  bool Fail(FieldViolation violation);
  bool Fail(absl::string_view field, absl::string_view description);
  // For the field `attributes[name]`.
  bool FailAttribute(absl::string_view name, absl::string_view description);
  // The same for what is wrong with the encoding.
  bool FailMalformed(absl::string_view field, absl::string_view description);
  bool FailMalformedAttribute(absl::string_view name, absl::string_view description);
  bool FailWireType(absl::string_view field, WireType actual, WireType expected);
  // `reader` has failed on `message`, which is a part of the event's bytes.
  bool FailWire(const WireReader& reader, absl::string_view message);

 private:
  absl::string_view event_bytes_;
  FieldViolation* violation_;
};

// Marks a field number below 32 in *seen; false when it was marked already.
inline bool MarkSeen(uint32_t field_number, uint32_t* seen) {
  const uint32_t bit = uint32_t{1} << field_number;
  if ((*seen & bit) != 0) return false;
  *seen |= bit;
  return true;
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SCAN_REPORT_H_
