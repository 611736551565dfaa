#ifndef EVENTBUS_SERVER_RPC_ADMIN_LETTERS_H_
#define EVENTBUS_SERVER_RPC_ADMIN_LETTERS_H_

#include "eventbus/v1/admin.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"

// EventBusAdmin's calls about dead letters. Any of gRPC's threads.
namespace eventbus {

grpc::ServerUnaryReactor* StartListDeadLetters(const RpcContext& rpc,
                                               grpc::CallbackServerContext* context,
                                               const v1::ListDeadLettersRequest* request,
                                               v1::ListDeadLettersResponse* response);

grpc::ServerUnaryReactor* StartRedriveDeadLetters(const RpcContext& rpc,
                                                  grpc::CallbackServerContext* context,
                                                  const v1::RedriveDeadLettersRequest* request,
                                                  v1::RedriveDeadLettersResponse* response);

grpc::ServerUnaryReactor* StartPurgeDeadLetters(const RpcContext& rpc,
                                                grpc::CallbackServerContext* context,
                                                const v1::PurgeDeadLettersRequest* request,
                                                v1::PurgeDeadLettersResponse* response);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_ADMIN_LETTERS_H_
