#ifndef EVENTBUS_SERVER_RPC_CATALOG_SERVICE_H_
#define EVENTBUS_SERVER_RPC_CATALOG_SERVICE_H_

#include "eventbus/catalog/v1alpha/catalog.grpc.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/unimplemented.h"

namespace eventbus {

// The service EventCatalog: registered, so that tools find it, and not implemented yet. Owned by
// RpcServer; any thread.
class CatalogService final : public catalog::v1alpha::EventCatalog::CallbackService {
 public:
  // Not owned; must outlive the calls.
  explicit CatalogService(const RpcContext* rpc) : rpc_(*rpc) {}

 private:
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  Reactor* RegisterType(Context* context, const catalog::v1alpha::RegisterTypeRequest*,
                        catalog::v1alpha::RegisterTypeResponse*) override {
    return Unimplemented(rpc_, context, "EventCatalog.RegisterType");
  }
  Reactor* GetType(Context* context, const catalog::v1alpha::GetTypeRequest*,
                   catalog::v1alpha::GetTypeResponse*) override {
    return Unimplemented(rpc_, context, "EventCatalog.GetType");
  }
  Reactor* ListTypes(Context* context, const catalog::v1alpha::ListTypesRequest*,
                     catalog::v1alpha::ListTypesResponse*) override {
    return Unimplemented(rpc_, context, "EventCatalog.ListTypes");
  }
  Reactor* DeleteType(Context* context, const catalog::v1alpha::DeleteTypeRequest*,
                      catalog::v1alpha::DeleteTypeResponse*) override {
    return Unimplemented(rpc_, context, "EventCatalog.DeleteType");
  }
  Reactor* ValidateEvent(Context* context, const catalog::v1alpha::ValidateEventRequest*,
                         catalog::v1alpha::ValidateEventResponse*) override {
    return Unimplemented(rpc_, context, "EventCatalog.ValidateEvent");
  }

  const RpcContext& rpc_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CATALOG_SERVICE_H_
