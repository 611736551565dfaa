#include "server/rpc/event_bus_service.h"

#include "server/rpc/publish.h"
#include "server/rpc/publish_stream.h"
#include "server/rpc/pull.h"
#include "server/rpc/receive.h"
#include "server/rpc/settle.h"
#include "server/rpc/subscribe.h"

namespace eventbus {

grpc::ServerUnaryReactor* EventBusService::Publish(Context* context, const Bytes* request,
                                                   Bytes* response) {
  return StartPublish(rpc_, context, request, response);
}

grpc::ServerUnaryReactor* EventBusService::PublishBatch(Context* context, const Bytes* request,
                                                        Bytes* response) {
  return StartPublishBatch(rpc_, context, request, response);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* EventBusService::PublishStream(
    Context* context) {
  return PublishStreamCall::Start(rpc_, calls_, context);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* EventBusService::Subscribe(
    Context* context) {
  return StartSubscribe(rpc_, calls_, context);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* EventBusService::Receive(Context* context,
                                                                     const Bytes* request) {
  return StartReceive(rpc_, calls_, context, request);
}

grpc::ServerUnaryReactor* EventBusService::Pull(Context* context, const Bytes* request,
                                                Bytes* response) {
  return StartPull(rpc_, context, request, response);
}

grpc::ServerUnaryReactor* EventBusService::Settle(Context* context, const Bytes* request,
                                                  Bytes* response) {
  return StartSettle(rpc_, context, request, response);
}

}  // namespace eventbus
