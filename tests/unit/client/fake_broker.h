#ifndef EVENTBUS_TESTS_UNIT_CLIENT_FAKE_BROKER_H_
#define EVENTBUS_TESTS_UNIT_CLIENT_FAKE_BROKER_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "eventbus/client.h"
#include "eventbus/v1/broker.grpc.pb.h"

namespace eventbus::client {

using PublishWire = grpc::ServerReaderWriter<v1::PublishStreamResponse, v1::PublishStreamRequest>;
using SubscribeWire = grpc::ServerReaderWriter<v1::SubscribeResponse, v1::SubscribeRequest>;

// A broker on a free local port whose calls do what a test says. Each call has a thread of its own;
// `call` counts them from 1.
class FakeBroker final : public v1::EventBus::Service {
 public:
  std::function<grpc::Status(const v1::PublishRequest&, v1::PublishResponse*, int call)> on_publish;
  std::function<grpc::Status(PublishWire&, int call)> on_publish_stream;
  std::function<grpc::Status(SubscribeWire&, const v1::SubscribeOpen&, int call)> on_subscribe;

  std::atomic<int> calls = 0;

  // Of each call so far, the client's end of its connection.
  std::vector<std::string> peers() const {
    absl::MutexLock lock(&mutex_);
    return peers_;
  }

  void Start() {
    int port = 0;
    server_ = grpc::ServerBuilder()
                  .AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port)
                  .RegisterService(this)
                  .BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~FakeBroker() override {
    if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::UnixEpoch()));
  }

  Client Connect(ConnectOptions options = {}) { return *Client::Connect(address_, options); }
  const std::string& address() const { return address_; }

 private:
  int CallFrom(const grpc::ServerContext& context) {
    absl::MutexLock lock(&mutex_);
    peers_.push_back(context.peer());
    return ++calls;
  }

  grpc::Status Publish(grpc::ServerContext* context, const v1::PublishRequest* request,
                       v1::PublishResponse* response) override {
    return on_publish(*request, response, CallFrom(*context));
  }
  grpc::Status PublishStream(grpc::ServerContext* context, PublishWire* wire) override {
    return on_publish_stream(*wire, CallFrom(*context));
  }
  grpc::Status Subscribe(grpc::ServerContext* context, SubscribeWire* wire) override {
    v1::SubscribeRequest first;
    if (!wire->Read(&first)) return grpc::Status::CANCELLED;
    return on_subscribe(*wire, first.open(), CallFrom(*context));
  }

  mutable absl::Mutex mutex_;
  std::vector<std::string> peers_ ABSL_GUARDED_BY(mutex_);
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

inline grpc::Status Unavailable() {
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream breaks");
}

inline void SendWindow(PublishWire& wire, uint32_t messages) {
  v1::PublishStreamResponse response;
  response.mutable_window()->set_max_messages(messages);
  response.mutable_window()->set_max_bytes(16 << 20);
  wire.Write(response);
}

inline void SendThrough(PublishWire& wire, uint64_t sequence) {
  v1::PublishStreamResponse response;
  response.mutable_acknowledgement()->set_through(sequence);
  wire.Write(response);
}

inline void SendOpened(SubscribeWire& wire, const std::string& group = "g") {
  v1::SubscribeResponse response;
  response.mutable_opened()->set_group(group);
  wire.Write(response);
}

// `count` events of the stream `s`, numbered from `first`; also their positions.
inline void SendDeliveries(SubscribeWire& wire, uint64_t first, int count) {
  v1::SubscribeResponse response;
  v1::DeliveryBatch& batch = *response.mutable_deliveries()->add_batches();
  batch.set_first_delivery(first);
  batch.set_stream("s");
  batch.set_position(absl::StrCat("7-", first));
  for (int i = 0; i < count; ++i) {
    batch.add_events()->set_id(absl::StrCat(first + static_cast<uint64_t>(i)));
  }
  wire.Write(response);
}

// Answers what wants to be confirmed, so that a client ends in order.
inline void Confirm(SubscribeWire& wire, const v1::Settlement& settlement) {
  if (settlement.confirm() == 0) return;
  v1::SubscribeResponse response;
  response.mutable_settled()->set_confirm(settlement.confirm());
  wire.Write(response);
}

// Reads until the client goes; every settlement is given to `each`.
inline grpc::Status ReadSettlements(SubscribeWire& wire,
                                    const std::function<void(const v1::Settlement&)>& each) {
  v1::SubscribeRequest request;
  while (wire.Read(&request)) {
    if (!request.has_settle()) continue;
    each(request.settle());
    Confirm(wire, request.settle());
  }
  return grpc::Status::OK;
}

}  // namespace eventbus::client

#endif  // EVENTBUS_TESTS_UNIT_CLIENT_FAKE_BROKER_H_
