#ifndef EVENTBUS_SERVER_RPC_MESSAGE_SLICES_H_
#define EVENTBUS_SERVER_RPC_MESSAGE_SLICES_H_

#include <string>
#include <vector>

#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "server/broker/publish_command.h"

namespace eventbus {

// Builds a message for gRPC from parts: small ones are copied together, large ones go by reference.
// Any thread.
class MessageSlices {
 public:
  // Below this, copying costs less than a slice of its own.
  static constexpr size_t kCopyBelow = 2048;

  // What is written here comes next. Valid until the next Append.
  std::string* text() { return &text_; }
  void Append(const Bytes& bytes);
  // The message. The object is empty afterwards.
  grpc::ByteBuffer Finish();

 private:
  void Flush();

  std::string text_;
  std::vector<grpc::Slice> slices_;
};

grpc::ByteBuffer BufferOf(std::string message);
grpc::ByteBuffer BufferOf(const google::protobuf::MessageLite& message);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_MESSAGE_SLICES_H_
