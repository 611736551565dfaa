#ifndef EVENTBUS_SERVER_RPC_ADMIN_FIELDS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_FIELDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/broker/recorded_event.h"

// Fields that several requests of EventBusAdmin have. Pure; any thread.
namespace eventbus {

// InvalidField unless it can be the name of a stream.
absl::Status CheckStream(absl::string_view field, const std::string& stream);

// BAD_POSITION unless this broker wrote it.
absl::StatusOr<Position> ReadPosition(absl::string_view field, absl::string_view text);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_FIELDS_H_
