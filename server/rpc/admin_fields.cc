#include "server/rpc/admin_fields.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/broker/event_type.h"
#include "server/broker/field_violation.h"
#include "server/broker/reason.h"
#include "server/rpc/errors.h"

namespace eventbus {

absl::Status CheckStream(absl::string_view field, const std::string& stream) {
  if (stream.empty()) return InvalidField(field, "is required");
  // Today a stream has the name of its type.
  const std::optional<FieldViolation> violation = CheckEventType(absl::string_view(stream), field);
  return violation.has_value() ? InvalidField(violation->field, violation->description)
                               : absl::OkStatus();
}

absl::StatusOr<Position> ReadPosition(absl::string_view field, absl::string_view text) {
  absl::StatusOr<Position> position = Position::Parse(text);
  if (position.ok()) return position;
  return InvalidRequest(Reason::kBadPosition,
                        {{std::string(field), absl::StrCat(QuoteForMessage(text),
                                                           " is not a position of this broker")}},
                        1);
}

}  // namespace eventbus
