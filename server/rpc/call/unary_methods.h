#ifndef EVENTBUS_SERVER_RPC_CALL_UNARY_METHODS_H_
#define EVENTBUS_SERVER_RPC_CALL_UNARY_METHODS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"

namespace eventbus {

// Unary methods that gRPC knows, so that it hands over a call together with its request: half as
// many operations as a call takes whose method it does not know. Nobody hears of it when such a
// call is cancelled.
struct UnaryMethods {
  using Writer = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;

  struct Method {
    // As in "eventbus.v1.EventBus/Publish"; the router says who serves it.
    std::string path;
    // Takes the next call of a client, into what the first three point to.
    absl::AnyInvocable<void(grpc::ServerContext*, grpc::ByteBuffer*, Writer*,
                            grpc::ServerCompletionQueue*, void* tag) const>
        request;
  };

  // Null: there are none.
  std::unique_ptr<grpc::Service> service;
  std::vector<Method> methods;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_UNARY_METHODS_H_
