#ifndef EVENTBUS_SERVER_RPC_GROUP_MESSAGE_H_
#define EVENTBUS_SERVER_RPC_GROUP_MESSAGE_H_

#include "absl/time/time.h"
#include "eventbus/v1/admin.pb.h"
#include "server/broker/registry.h"

namespace eventbus {

// A group as EventBusAdmin shows it, without its state. `now`: the store's clock. Pure; any thread.
void WriteGroup(const KnownGroup& group, absl::Time now, v1::Group* written);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_GROUP_MESSAGE_H_
