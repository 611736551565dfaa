#ifndef EVENTBUS_TESTS_BENCH_LOAD_TYPED_CLIENT_H_
#define EVENTBUS_TESTS_BENCH_LOAD_TYPED_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "eventbus/v1/broker.grpc.pb.h"
#include "google/protobuf/arena.h"
#include "grpcpp/channel.h"
#include "tests/bench/load/completions.h"
#include "tests/bench/load/load_shape.h"
#include "tests/bench/load/news.h"

namespace eventbus::bench {

// An arena whose first block is its own, so that a message that fits takes no memory from the heap
// but for its strings.
class MessageArena {
 public:
  MessageArena();
  // An empty message. The one before is gone.
  template <typename Message>
  Message* Make() {
    arena_->Reset();
    return google::protobuf::Arena::CreateMessage<Message>(arena_.get());
  }

 private:
  std::vector<char> block_;
  std::unique_ptr<google::protobuf::Arena> arena_;
};

// A client on the generated stubs as an application has them: it makes every event anew, with an id
// of its own, and every event that comes is parsed, all on arenas and without needless copies.
class TypedClient {
 public:
  using PublishRequest = v1::PublishStreamRequest;
  using PublishResponse = v1::PublishStreamResponse;
  using SubscribeRequest = v1::SubscribeRequest;
  using SubscribeResponse = v1::SubscribeResponse;
  using PublishCall = grpc::ClientAsyncReaderWriter<PublishRequest, PublishResponse>;
  using SubscribeCall = grpc::ClientAsyncReaderWriter<SubscribeRequest, SubscribeResponse>;

  static std::unique_ptr<PublishCall> PublishStream(const std::shared_ptr<grpc::Channel>& channel,
                                                    grpc::ClientContext* context,
                                                    Completions* completions);
  static std::unique_ptr<SubscribeCall> Subscribe(const std::shared_ptr<grpc::Channel>& channel,
                                                  grpc::ClientContext* context,
                                                  Completions* completions);

  class Messages {
   public:
    explicit Messages(const LoadShape& shape);
    const PublishRequest& Next(uint64_t sequence);
    uint64_t bytes() const { return bytes_; }

   private:
    const LoadShape shape_;
    std::vector<std::string> types_;
    std::vector<std::string> data_;
    uint64_t bytes_ = 0;
    uint64_t made_ = 0;
    MessageArena arena_;
  };

  class PublishReader {
   public:
    PublishResponse* Next() { return arena_.Make<PublishResponse>(); }
    static PublishNews Read(const PublishResponse& response);

   private:
    MessageArena arena_;
  };
  class SubscribeReader {
   public:
    explicit SubscribeReader(bool stamps) : stamps_(stamps) {}
    SubscribeResponse* Next() { return arena_.Make<SubscribeResponse>(); }
    void Read(const SubscribeResponse& response, SubscribeNews* news) const;

   private:
    const bool stamps_;
    MessageArena arena_;
  };

  static SubscribeRequest Open(const v1::SubscribeOpen& open);
  class SettleWriter {
   public:
    const SubscribeRequest& Write(const SettleWish& wish);

   private:
    MessageArena arena_;
  };
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_TYPED_CLIENT_H_
