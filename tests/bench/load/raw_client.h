#ifndef EVENTBUS_TESTS_BENCH_LOAD_RAW_CLIENT_H_
#define EVENTBUS_TESTS_BENCH_LOAD_RAW_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "eventbus/v1/broker.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "tests/bench/load/completions.h"
#include "tests/bench/load/load_shape.h"
#include "tests/bench/load/news.h"

namespace eventbus::bench {

// A client that spends as little as it can, so that the broker is what is measured: it sends bytes
// that were made beforehand, and of what it gets it reads just enough to count and to settle.
//
// RawClient and TypedClient have the same members; the load is a template on them.
class RawClient {
 public:
  using PublishRequest = grpc::ByteBuffer;
  using PublishResponse = grpc::ByteBuffer;
  using SubscribeRequest = grpc::ByteBuffer;
  using SubscribeResponse = grpc::ByteBuffer;
  using Call = grpc::ClientAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

  static std::unique_ptr<Call> PublishStream(const std::shared_ptr<grpc::Channel>& channel,
                                             grpc::ClientContext* context,
                                             Completions* completions);
  static std::unique_ptr<Call> Subscribe(const std::shared_ptr<grpc::Channel>& channel,
                                         grpc::ClientContext* context, Completions* completions);

  // Makes the messages of a publisher.
  class Messages {
   public:
    explicit Messages(const LoadShape& shape);
    // The message with this number, 1 or more. Valid until the next call.
    const grpc::ByteBuffer& Next(uint64_t sequence);
    // Of one message.
    uint64_t bytes() const { return bytes_; }

   private:
    // The events of a message, by type.
    std::vector<grpc::Slice> events_;
    grpc::ByteBuffer message_;
    uint64_t bytes_ = 0;
  };

  // Takes what one stream gets; one message at a time.
  class PublishReader {
   public:
    grpc::ByteBuffer* Next() { return &buffer_; }
    static PublishNews Read(const grpc::ByteBuffer& response);

   private:
    grpc::ByteBuffer buffer_;
  };
  class SubscribeReader {
   public:
    explicit SubscribeReader(bool stamps) : stamps_(stamps) {}
    grpc::ByteBuffer* Next() { return &buffer_; }
    void Read(const grpc::ByteBuffer& response, SubscribeNews* news) const;

   private:
    const bool stamps_;
    grpc::ByteBuffer buffer_;
  };

  static grpc::ByteBuffer Open(const v1::SubscribeOpen& open);
  class SettleWriter {
   public:
    const grpc::ByteBuffer& Write(const SettleWish& wish);

   private:
    grpc::ByteBuffer buffer_;
  };
};

// A buffer with these bytes.
grpc::ByteBuffer BufferOf(const std::string& bytes);

// Names of methods, for calls without stubs.
inline constexpr char kPublishMethod[] = "/eventbus.v1.EventBus/Publish";
inline constexpr char kPublishBatchMethod[] = "/eventbus.v1.EventBus/PublishBatch";
inline constexpr char kPublishStreamMethod[] = "/eventbus.v1.EventBus/PublishStream";
inline constexpr char kSubscribeMethod[] = "/eventbus.v1.EventBus/Subscribe";

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_RAW_CLIENT_H_
