#ifndef EVENTBUS_SERVER_RPC_REQUEST_BYTES_H_
#define EVENTBUS_SERVER_RPC_REQUEST_BYTES_H_

#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/publish_command.h"

namespace eventbus {

// The bytes of one message from gRPC, in one piece.
class RequestBytes {
 public:
  // Takes the buffer's content by reference where it is in one piece, else copies it together.
  explicit RequestBytes(const grpc::ByteBuffer& buffer);

  absl::string_view view() const { return bytes_.view(); }
  // The same, to be kept beyond the call.
  const Bytes& bytes() const { return bytes_; }
  // Whether keeping bytes() keeps no more memory than they need: false where they are a piece of a
  // larger buffer of gRPC's.
  bool exact() const { return exact_; }

 private:
  Bytes bytes_;
  bool exact_ = false;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_REQUEST_BYTES_H_
