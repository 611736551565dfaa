#include "server/broker/field_violation.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace eventbus {

FieldViolation FieldViolation::Prefixed(absl::string_view prefix) const {
  if (field.empty()) return {std::string(prefix), description, malformed};
  return {absl::StrCat(prefix, ".", field), description, malformed};
}

std::string FieldViolation::ToString() const {
  if (field.empty()) return description;
  return absl::StrCat(field, ": ", description);
}

std::string QuoteForMessage(absl::string_view value) {
  const bool cut = value.size() > kMaxQuotedBytes;
  return absl::StrCat("\"", absl::CHexEscape(value.substr(0, kMaxQuotedBytes)), cut ? "\"…" : "\"");
}

std::string DescribeCharacter(char character) {
  if (absl::ascii_isprint(static_cast<unsigned char>(character))) {
    return absl::StrCat("character '", absl::string_view(&character, 1), "'");
  }
  return absl::StrCat("byte 0x", absl::Hex(static_cast<unsigned char>(character), absl::kZeroPad2));
}

}  // namespace eventbus
