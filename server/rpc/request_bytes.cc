#include "server/rpc/request_bytes.h"

#include <memory>

#include "grpcpp/support/slice.h"

namespace eventbus {

RequestBytes::RequestBytes(const grpc::ByteBuffer& buffer) {
  if (buffer.Length() == 0) return;
  auto slice = std::make_shared<grpc::Slice>();
  if (!buffer.TrySingleSlice(slice.get()).ok()) {
    // Fails only for compressed buffers, which gRPC never hands to a handler.
    if (!buffer.DumpToSingleSlice(slice.get()).ok()) return;
    exact_ = true;
  }
  const absl::string_view view(reinterpret_cast<const char*>(slice->begin()), slice->size());
  bytes_ = Bytes(std::move(slice), view);
}

}  // namespace eventbus
