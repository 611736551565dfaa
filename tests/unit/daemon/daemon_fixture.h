#ifndef EVENTBUS_TESTS_UNIT_DAEMON_DAEMON_FIXTURE_H_
#define EVENTBUS_TESTS_UNIT_DAEMON_DAEMON_FIXTURE_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "eventbus/v1/broker.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/daemon/daemon.h"

namespace eventbus {

// A daemon of the test's own on free ports, and a client of it. No call waits longer than
// kDeadline.
class DaemonFixture : public testing::Test {
 protected:
  static constexpr std::chrono::seconds kDeadline{20};

  using SubscribeStream = grpc::ClientReaderWriter<v1::SubscribeRequest, v1::SubscribeResponse>;

  // One Subscribe call.
  struct Subscriber {
    grpc::ClientContext context;
    std::unique_ptr<SubscribeStream> stream;

    // The next message; a default one once the call has ended.
    v1::SubscribeResponse Next() {
      v1::SubscribeResponse response;
      return stream->Read(&response) ? response : v1::SubscribeResponse();
    }
    // Ids of the next `count` events.
    std::vector<std::string> TakeIds(size_t count) {
      std::vector<std::string> ids;
      while (ids.size() < count) {
        const v1::SubscribeResponse response = Next();
        if (response.message_case() == v1::SubscribeResponse::MESSAGE_NOT_SET) break;
        for (const v1::DeliveryBatch& batch : response.deliveries().batches()) {
          for (const v1::Event& event : batch.events()) ids.push_back(event.id());
        }
      }
      return ids;
    }
  };

  void SetUp() override {
    config_.listen.address = "127.0.0.1:0";
    config_.metrics.address = "127.0.0.1:0";
    config_.drain.timeout = absl::Seconds(10);
  }

  void Start() {
    absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(config_, Logger::Null());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", daemon_->port()),
                                   grpc::InsecureChannelCredentials());
    stub_ = v1::EventBus::NewStub(channel_);
  }

  grpc::Status Publish(const std::string& type, const std::string& id) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    v1::PublishRequest request;
    request.mutable_event()->set_type(type);
    request.mutable_event()->set_id(id);
    v1::PublishResponse response;
    return stub_->Publish(&context, request, &response);
  }

  std::unique_ptr<Subscriber> Subscribe(const v1::SubscribeOpen& open) {
    auto subscriber = std::make_unique<Subscriber>();
    subscriber->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    subscriber->stream = stub_->Subscribe(&subscriber->context);
    v1::SubscribeRequest request;
    *request.mutable_open() = open;
    subscriber->stream->Write(request);
    return subscriber;
  }

  static v1::SubscribeOpen Group(const std::string& name, const std::string& pattern) {
    v1::SubscribeOpen open;
    open.mutable_group()->set_name(name);
    open.mutable_group()->add_patterns(pattern);
    return open;
  }

  static v1::SubscribeOpen Tail(const std::string& pattern) {
    v1::SubscribeOpen open;
    open.mutable_tail()->add_patterns(pattern);
    open.mutable_start()->mutable_earliest();
    return open;
  }

  Config config_;
  std::unique_ptr<Daemon> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::EventBus::Stub> stub_;
};

}  // namespace eventbus

#endif  // EVENTBUS_TESTS_UNIT_DAEMON_DAEMON_FIXTURE_H_
