#ifndef EVENTBUS_SERVER_RPC_GROUP_MESSAGE_H_
#define EVENTBUS_SERVER_RPC_GROUP_MESSAGE_H_

#include "absl/time/time.h"
#include "eventbus/v1/admin.pb.h"
#include "server/broker/group_admin.h"
#include "server/broker/group_state.h"
#include "server/broker/registry.h"

// Groups as EventBusAdmin shows them. Pure; any thread.
namespace eventbus {

// Without its state. `now`: the store's clock.
void WriteGroup(const KnownGroup& group, absl::Time now, v1::Group* written);
void WriteGroup(const GroupView& view, v1::Group* message);
void WriteGroupState(const GroupState& state, v1::GroupState* message);
void WriteGroupStreamState(const GroupStreamState& stream, v1::GroupStreamState* message);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_GROUP_MESSAGE_H_
