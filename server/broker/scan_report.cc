#include "server/broker/scan_report.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {

bool ScanReport::Fail(FieldViolation violation) {
  *violation_ = std::move(violation);
  return false;
}

bool ScanReport::Fail(absl::string_view field, absl::string_view description) {
  return Fail(FieldViolation{std::string(field), std::string(description)});
}

bool ScanReport::FailAttribute(absl::string_view name, absl::string_view description) {
  return Fail(absl::StrCat("attributes[", name, "]"), description);
}

bool ScanReport::FailMalformed(absl::string_view field, absl::string_view description) {
  return Fail(FieldViolation{std::string(field), std::string(description), /*malformed=*/true});
}

bool ScanReport::FailMalformedAttribute(absl::string_view name, absl::string_view description) {
  return FailMalformed(absl::StrCat("attributes[", name, "]"), description);
}

bool ScanReport::FailWireType(absl::string_view field, WireType actual, WireType expected) {
  return FailMalformed(field, absl::StrCat("is encoded with wire type ", static_cast<int>(actual),
                                           " where ", static_cast<int>(expected), " is expected"));
}

bool ScanReport::FailWire(const WireReader& reader, absl::string_view message) {
  const size_t offset = static_cast<size_t>(message.data() - event_bytes_.data()) + reader.offset();
  return FailMalformed("", absl::StrCat("not a valid eventbus.v1.Event: ",
                                        WireErrorText(reader.error()), " at offset ", offset));
}

}  // namespace eventbus
