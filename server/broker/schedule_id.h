#ifndef EVENTBUS_SERVER_BROKER_SCHEDULE_ID_H_
#define EVENTBUS_SERVER_BROKER_SCHEDULE_ID_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eventbus {

// What publishers and administrators name a delayed event by: its stream and its id therein, as
// "order.placed~17640000000000000000". URL-safe. Pure; any thread.
struct ScheduleId {
  std::string stream;
  std::string id;

  std::string ToString() const;
  // INVALID_ARGUMENT if it is not of that form.
  static absl::StatusOr<ScheduleId> Parse(absl::string_view text);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_SCHEDULE_ID_H_
