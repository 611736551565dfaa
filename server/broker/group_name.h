#ifndef EVENTBUS_SERVER_BROKER_GROUP_NAME_H_
#define EVENTBUS_SERVER_BROKER_GROUP_NAME_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "server/broker/field_violation.h"

// The rules for a group's name: 1 to 255 of [A-Za-z0-9_.:/*-]. Pure functions, for any thread.
namespace eventbus {

inline constexpr size_t kMaxGroupNameBytes = 255;

bool IsValidGroupName(absl::string_view name);

// Nothing when `name` obeys the rules; else what is wrong and at which offset, reported for
// `field`.
std::optional<FieldViolation> CheckGroupName(absl::string_view name,
                                             absl::string_view field = "group");

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_NAME_H_
