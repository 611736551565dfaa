#include "server/rpc/event_bus_service.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "eventbus/v1/broker.grpc.pb.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/publish.h"
#include "server/rpc/publish_stream.h"
#include "server/rpc/pull.h"
#include "server/rpc/receive.h"
#include "server/rpc/settle.h"
#include "server/rpc/subscribe.h"

namespace eventbus {

void AddEventBusService(const RpcContext* rpc, OpenCalls* calls, CallRouter* router) {
  const auto add = [router](absl::string_view name, CallRouter::Method method) {
    router->Add(absl::StrCat("eventbus.v1.EventBus/", name), std::move(method));
  };
  using Buffer = grpc::ByteBuffer;
  add("Publish",
      CallRouter::Unary([rpc](CallContext* context, const Buffer* request, Buffer* response) {
        return StartPublish(*rpc, context, request, response);
      }));
  add("PublishBatch",
      CallRouter::Unary([rpc](CallContext* context, const Buffer* request, Buffer* response) {
        return StartPublishBatch(*rpc, context, request, response);
      }));
  add("PublishStream", CallRouter::Stream([rpc, calls](CallContext* context) {
        return PublishStreamCall::Start(*rpc, calls, context);
      }));
  add("Subscribe", CallRouter::Stream([rpc, calls](CallContext* context) {
        return StartSubscribe(*rpc, calls, context);
      }));
  add("Receive",
      CallRouter::ServerStream([rpc, calls](CallContext* context, const Buffer* request) {
        return StartReceive(*rpc, calls, context, request);
      }));
  add("Pull",
      CallRouter::Unary([rpc](CallContext* context, const Buffer* request, Buffer* response) {
        return StartPull(*rpc, context, request, response);
      }));
  add("Settle",
      CallRouter::Unary([rpc](CallContext* context, const Buffer* request, Buffer* response) {
        return StartSettle(*rpc, context, request, response);
      }));
}

UnaryMethods EventBusUnaryMethods() {
  using Service = v1::EventBus::Service;
  using Others =
      v1::EventBus::WithGenericMethod_PublishStream<v1::EventBus::WithGenericMethod_Subscribe<
          v1::EventBus::WithGenericMethod_Receive<v1::EventBus::WithGenericMethod_Pull<Service>>>>;
  using Known = v1::EventBus::WithRawMethod_Publish<
      v1::EventBus::WithRawMethod_PublishBatch<v1::EventBus::WithRawMethod_Settle<Others>>>;
  auto service = std::make_unique<Known>();
  Known* const known = service.get();
  UnaryMethods all;
  all.service = std::move(service);
  const auto add = [&all](absl::string_view name, auto request) {
    all.methods.push_back({absl::StrCat("eventbus.v1.EventBus/", name), std::move(request)});
  };
  add("Publish",
      [known](grpc::ServerContext* context, grpc::ByteBuffer* request, UnaryMethods::Writer* writer,
              grpc::ServerCompletionQueue* queue,
              void* tag) { known->RequestPublish(context, request, writer, queue, queue, tag); });
  add("PublishBatch",
      [known](grpc::ServerContext* context, grpc::ByteBuffer* request, UnaryMethods::Writer* writer,
              grpc::ServerCompletionQueue* queue, void* tag) {
        known->RequestPublishBatch(context, request, writer, queue, queue, tag);
      });
  add("Settle",
      [known](grpc::ServerContext* context, grpc::ByteBuffer* request, UnaryMethods::Writer* writer,
              grpc::ServerCompletionQueue* queue,
              void* tag) { known->RequestSettle(context, request, writer, queue, queue, tag); });
  return all;
}

}  // namespace eventbus
