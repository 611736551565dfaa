#ifndef EVENTBUS_SERVER_RPC_CALL_CALL_ROUTER_H_
#define EVENTBUS_SERVER_RPC_CALL_CALL_ROUTER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/call/call_context.h"
#include "server/rpc/errors.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/request_bytes.h"

namespace eventbus {

// Which method is served by what. Filled before the server listens; any thread after that.
//
// Handlers run on the thread of the call's queue and must not block. `request` and `response` live
// as long as the call.
class CallRouter {
 public:
  // The client may send any number of messages, and so may the server.
  using Stream = std::function<StreamReactor*(CallContext*)>;
  // The client sends one message.
  using ServerStream = std::function<StreamReactor*(CallContext*, const grpc::ByteBuffer* request)>;
  using Unary = std::function<UnaryReactor*(CallContext*, const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response)>;
  using Method = std::variant<Stream, ServerStream, Unary>;

  // `path`: service and method, as in "eventbus.v1.EventBus/Publish".
  void Add(absl::string_view path, Method method) {
    methods_.insert_or_assign(absl::StrCat("/", path), std::move(method));
  }

  // A unary method whose messages are parsed before and encoded after the handler.
  template <typename Request, typename Response, typename Handler>
  void AddParsed(absl::string_view path, Handler handler);

  // nullptr if there is no such method. `path` as gRPC has it, with a slash in front.
  const Method* Find(absl::string_view path) const {
    const auto found = methods_.find(path);
    return found == methods_.end() ? nullptr : &found->second;
  }

 private:
  template <typename Request, typename Response>
  struct Parsed final : UnaryMessages {
    grpc::ByteBuffer Encode() const override { return BufferOf(response); }
    Request request;
    Response response;
  };

  absl::flat_hash_map<std::string, Method> methods_;
};

template <typename Request, typename Response, typename Handler>
void CallRouter::AddParsed(absl::string_view path, Handler handler) {
  Add(path,
      Unary([handler = std::move(handler)](CallContext* context, const grpc::ByteBuffer* bytes,
                                           grpc::ByteBuffer* /*response*/) -> UnaryReactor* {
        auto messages = std::make_unique<Parsed<Request, Response>>();
        Request* const request = &messages->request;
        Response* const response = &messages->response;
        const RequestBytes whole(*bytes);
        if (!request->ParseFromArray(whole.view().data(), static_cast<int>(whole.view().size()))) {
          UnaryReactor* const reactor = context->DefaultReactor();
          reactor->Finish(
              ToGrpcStatus(MalformedRequest(absl::StrCat("not a valid ", request->GetTypeName()))));
          return reactor;
        }
        context->Keep(std::move(messages));
        return handler(context, request, response);
      }));
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_CALL_ROUTER_H_
