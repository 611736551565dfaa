#ifndef EVENTBUS_SERVER_RPC_ADMIN_SERVICE_H_
#define EVENTBUS_SERVER_RPC_ADMIN_SERVICE_H_

#include "server/rpc/call/call_router.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The service EventBusAdmin: passes each call on to the file of its family. `rpc` must outlive the
// router.
void AddAdminService(const RpcContext* rpc, CallRouter* router);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_SERVICE_H_
