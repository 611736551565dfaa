#ifndef EVENTBUS_SERVER_BROKER_EVENT_TYPE_H_
#define EVENTBUS_SERVER_BROKER_EVENT_TYPE_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "server/broker/field_violation.h"

// The rules for an event's type, such as `order.completed.v1`: 1 to 16 segments of [A-Za-z0-9_-],
// joined by dots, at most 255 bytes, case-sensitive. Pure functions, for any thread.
namespace eventbus {

inline constexpr size_t kMaxTypeBytes = 255;
inline constexpr size_t kMaxTypeSegments = 16;

// True for the characters a segment may hold: [A-Za-z0-9_-].
bool IsTypeSegmentCharacter(char character);

// True when `type` obeys the rules. Allocates nothing.
bool IsValidEventType(absl::string_view type);

// Nothing when `type` obeys the rules; else what is wrong and at which offset, reported for
// `field`.
std::optional<FieldViolation> CheckEventType(absl::string_view type,
                                             absl::string_view field = "type");

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_EVENT_TYPE_H_
