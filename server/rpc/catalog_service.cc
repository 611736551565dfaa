#include "server/rpc/catalog_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "eventbus/catalog/v1alpha/catalog.pb.h"
#include "google/protobuf/descriptor.h"
#include "server/rpc/unimplemented.h"

namespace eventbus {

void AddCatalogService(const RpcContext* rpc, CallRouter* router) {
  // From its descriptor, so that reflection can tell of it as well.
  const google::protobuf::ServiceDescriptor& service =
      *catalog::v1alpha::RegisterTypeRequest::descriptor()->file()->service(0);
  for (int i = 0; i < service.method_count(); ++i) {
    const std::string& method = service.method(i)->name();
    router->Add(absl::StrCat(service.full_name(), "/", method),
                CallRouter::Unary([rpc, name = absl::StrCat(service.name(), ".", method)](
                                      CallContext* context, const grpc::ByteBuffer* /*request*/,
                                      grpc::ByteBuffer* /*response*/) {
                  return Unimplemented(*rpc, context, name);
                }));
  }
}

}  // namespace eventbus
