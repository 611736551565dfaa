#ifndef EVENTBUS_SERVER_RPC_ADMIN_LETTERS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_LETTERS_H_

#include "eventbus/v1/admin.pb.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/rpc_context.h"

// EventBusAdmin's calls about dead letters. Any of gRPC's threads.
namespace eventbus {

UnaryReactor* StartListDeadLetters(const RpcContext& rpc, CallContext* context,
                                   const v1::ListDeadLettersRequest* request,
                                   v1::ListDeadLettersResponse* response);

UnaryReactor* StartRedriveDeadLetters(const RpcContext& rpc, CallContext* context,
                                      const v1::RedriveDeadLettersRequest* request,
                                      v1::RedriveDeadLettersResponse* response);

UnaryReactor* StartPurgeDeadLetters(const RpcContext& rpc, CallContext* context,
                                    const v1::PurgeDeadLettersRequest* request,
                                    v1::PurgeDeadLettersResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_LETTERS_H_
