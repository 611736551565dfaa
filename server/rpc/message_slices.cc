#include "server/rpc/message_slices.h"

#include <memory>
#include <utility>

namespace eventbus {
namespace {

// A slice of someone else's bytes. gRPC only reads them, whatever its signature says.
grpc::Slice SliceOf(const char* data, size_t size, std::shared_ptr<const void> owner) {
  auto* share = new std::shared_ptr<const void>(std::move(owner));
  return grpc::Slice(
      const_cast<char*>(data), size,
      [](void* held) { delete static_cast<std::shared_ptr<const void>*>(held); }, share);
}

grpc::Slice SliceOf(std::string text) {
  // As long as gRPC itself would copy.
  if (text.size() < MessageSlices::kCopyBelow) return grpc::Slice(text.data(), text.size());
  auto owner = std::make_unique<std::string>(std::move(text));
  char* const data = owner->data();
  const size_t size = owner->size();
  return grpc::Slice(
      data, size, [](void* held) { delete static_cast<std::string*>(held); }, owner.release());
}

}  // namespace

void MessageSlices::Append(const Bytes& bytes) {
  if (bytes.size() < kCopyBelow) {
    text_.append(bytes.data(), bytes.size());
    return;
  }
  Flush();
  slices_.push_back(SliceOf(bytes.data(), bytes.size(), bytes.owner()));
}

grpc::ByteBuffer MessageSlices::Finish() {
  Flush();
  grpc::ByteBuffer buffer(slices_.data(), slices_.size());
  slices_.clear();
  return buffer;
}

void MessageSlices::Flush() {
  if (text_.empty()) return;
  slices_.push_back(SliceOf(std::exchange(text_, std::string())));
}

grpc::ByteBuffer BufferOf(std::string message) {
  const grpc::Slice slice = SliceOf(std::move(message));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer BufferOf(const google::protobuf::MessageLite& message) {
  return BufferOf(message.SerializeAsString());
}

}  // namespace eventbus
