#ifndef EVENTBUS_SERVER_RPC_CATALOG_SERVICE_H_
#define EVENTBUS_SERVER_RPC_CATALOG_SERVICE_H_

#include "server/rpc/call/call_router.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// The service EventCatalog: there, so that tools find it, and not implemented yet. `rpc` must
// outlive the router.
void AddCatalogService(const RpcContext* rpc, CallRouter* router);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CATALOG_SERVICE_H_
