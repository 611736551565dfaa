#ifndef EVENTBUS_TESTS_UNIT_RPC_BUFFERS_H_
#define EVENTBUS_TESTS_UNIT_RPC_BUFFERS_H_

#include <string>
#include <vector>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace eventbus {

// The bytes of a buffer in one string.
inline std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

// A message from gRPC that came in one piece, or in two, cut at `cut`.
inline grpc::ByteBuffer InOnePiece(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

inline grpc::ByteBuffer InTwoPieces(const std::string& text, size_t cut) {
  const std::vector<grpc::Slice> slices = {grpc::Slice(text.substr(0, cut)),
                                           grpc::Slice(text.substr(cut))};
  return grpc::ByteBuffer(slices.data(), slices.size());
}

// The message in the buffer; a default one if it does not parse, which the next expectation will
// notice.
template <typename Message>
Message Parsed(const grpc::ByteBuffer& buffer) {
  Message message;
  return message.ParseFromString(TextOf(buffer)) ? message : Message();
}

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_UNIT_RPC_BUFFERS_H_
