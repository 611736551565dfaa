#include "server/rpc/event_bus_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

}  // namespace eventbus
