#include "server/broker/schedule_id.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/broker/event_type.h"

namespace eventbus {

std::string ScheduleId::ToString() const { return absl::StrCat(stream, "~", id); }

absl::StatusOr<ScheduleId> ScheduleId::Parse(absl::string_view text) {
  const size_t separator = text.find('~');
  if (separator != absl::string_view::npos) {
    const absl::string_view stream = text.substr(0, separator);
    const absl::string_view id = text.substr(separator + 1);
    const bool is_number =
        !id.empty() && id.size() <= 32 && std::all_of(id.begin(), id.end(), [](char c) {
          return absl::ascii_isdigit(static_cast<unsigned char>(c));
        });
    if (is_number && IsValidEventType(stream))
      return ScheduleId{std::string(stream), std::string(id)};
  }
  return absl::InvalidArgumentError(
      "not the id of a delayed event: it has the form order.placed~17640000000000000000");
}

}  // namespace eventbus
