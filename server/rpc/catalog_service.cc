#include "server/rpc/catalog_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/rpc/unimplemented.h"

namespace eventbus {

void AddCatalogService(const RpcContext* rpc, CallRouter* router) {
  for (const char* const method :
       {"RegisterType", "GetType", "ListTypes", "DeleteType", "ValidateEvent"}) {
    const std::string name = absl::StrCat("EventCatalog.", method);
    router->Add(absl::StrCat("eventbus.catalog.v1alpha.EventCatalog/", method),
                CallRouter::Unary(
                    [rpc, name](CallContext* context, const grpc::ByteBuffer*, grpc::ByteBuffer*) {
                      return Unimplemented(*rpc, context, name);
                    }));
  }
}

}  // namespace eventbus
