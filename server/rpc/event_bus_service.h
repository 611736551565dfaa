#ifndef EVENTBUS_SERVER_RPC_EVENT_BUS_SERVICE_H_
#define EVENTBUS_SERVER_RPC_EVENT_BUS_SERVICE_H_

#include "eventbus/v1/broker.grpc.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/rpc_context.h"

namespace eventbus {

// Raw methods: gRPC does not parse what only the door has to read, once, and what cannot be parsed
// is answered by us (gRPC would say UNIMPLEMENTED).
using RawEventBus =
    v1::EventBus::WithRawCallbackMethod_Publish<v1::EventBus::WithRawCallbackMethod_PublishBatch<
        v1::EventBus::WithRawCallbackMethod_PublishStream<
            v1::EventBus::WithRawCallbackMethod_Subscribe<
                v1::EventBus::WithRawCallbackMethod_Receive<
                    v1::EventBus::WithRawCallbackMethod_Pull<
                        v1::EventBus::WithRawCallbackMethod_Settle<v1::EventBus::Service>>>>>>>;

// The service EventBus: which RPC is served by which file. Owned by RpcServer; called on gRPC's
// threads.
class EventBusService final : public RawEventBus {
 public:
  // Neither is owned; both must outlive the calls.
  EventBusService(const RpcContext* rpc, OpenCalls* calls) : rpc_(*rpc), calls_(calls) {}

 private:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;

  grpc::ServerUnaryReactor* Publish(Context* context, const Bytes* request,
                                    Bytes* response) override;
  grpc::ServerUnaryReactor* PublishBatch(Context* context, const Bytes* request,
                                         Bytes* response) override;
  grpc::ServerBidiReactor<Bytes, Bytes>* PublishStream(Context* context) override;
  grpc::ServerBidiReactor<Bytes, Bytes>* Subscribe(Context* context) override;
  grpc::ServerWriteReactor<Bytes>* Receive(Context* context, const Bytes* request) override;
  grpc::ServerUnaryReactor* Pull(Context* context, const Bytes* request, Bytes* response) override;
  grpc::ServerUnaryReactor* Settle(Context* context, const Bytes* request,
                                   Bytes* response) override;

  const RpcContext& rpc_;
  OpenCalls* const calls_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_EVENT_BUS_SERVICE_H_
