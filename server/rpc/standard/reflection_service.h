#ifndef EVENTBUS_SERVER_RPC_STANDARD_REFLECTION_SERVICE_H_
#define EVENTBUS_SERVER_RPC_STANDARD_REFLECTION_SERVICE_H_

#include <string>
#include <vector>

#include "server/rpc/call/call_router.h"
#include "server/rpc/open_calls.h"

namespace eventbus {

// grpc.reflection.v1 and .v1alpha: tools learn the services and messages of this program.
// `services` by their full names. `calls`, not owned, must outlive the router.
void AddReflection(std::vector<std::string> services, OpenCalls* calls, CallRouter* router);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_STANDARD_REFLECTION_SERVICE_H_
