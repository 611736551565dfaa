#include "eventbus/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/client/fake_broker.h"

namespace eventbus::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kLong = absl::Seconds(20);

// Says what a broker says that stores everything.
grpc::Status StoreAll(PublishWire& wire, const std::function<void(const Event&)>& each) {
  SendWindow(wire, 8);
  v1::PublishStreamRequest request;
  while (wire.Read(&request)) {
    for (const Event& event : request.events()) each(event);
    v1::PublishStreamResponse response;
    v1::PublishAcknowledgement& acknowledgement = *response.mutable_acknowledgement();
    acknowledgement.set_through(request.sequence());
    if (request.return_results()) {
      v1::PublishStreamResult& result = *acknowledgement.add_results();
      result.set_sequence(request.sequence());
      for (const Event& event : request.events()) {
        v1::PublishedEvent& published = *result.add_published();
        published.set_id(event.id());
        published.set_position("at " + event.id());
      }
    }
    wire.Write(response);
  }
  return grpc::Status::OK;
}

Event EventWithId(const std::string& id) {
  Event event = MakeEvent("a.b");
  event.set_id(id);
  return event;
}

class PublisherTest : public ::testing::Test {
 protected:
  void Saw(const Event& event) {
    absl::MutexLock lock(&mutex_);
    seen_.push_back(event.id());
  }
  std::vector<std::string> seen() {
    absl::MutexLock lock(&mutex_);
    return seen_;
  }

  absl::Mutex mutex_;
  std::vector<std::string> seen_ ABSL_GUARDED_BY(mutex_);
  FakeBroker broker_;
};

TEST_F(PublisherTest, FlushReturnsWhenEverythingIsStoredInOrder) {
  broker_.on_publish_stream = [&](PublishWire& wire, int) {
    return StoreAll(wire, [&](const Event& event) { Saw(event); });
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto publisher = client.NewPublisher();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(publisher->Publish(EventWithId(absl::StrCat(i))).ok());
  }
  ASSERT_TRUE(publisher->Flush(kLong).ok());
  ASSERT_EQ(seen().size(), 1000u);
  EXPECT_EQ(seen()[0], "0");
  EXPECT_EQ(seen()[999], "999");
  EXPECT_EQ(publisher->counts().confirmed, 1000u);
  EXPECT_EQ(publisher->counts().pending, 0u);
}

TEST_F(PublisherTest, NeverMoreMessagesAreOnTheirWayThanTheWindowAllows) {
  std::atomic<uint64_t> read = 0;
  std::atomic<uint64_t> acknowledged = 0;
  std::atomic<uint64_t> most = 0;
  broker_.on_publish_stream = [&](PublishWire& wire, int) {
    SendWindow(wire, 3);
    std::thread acknowledger;
    v1::PublishStreamRequest request;
    while (wire.Read(&request)) {
      ++read;
      most = std::max<uint64_t>(most, read - acknowledged);
      if (read % 3 != 0) continue;
      // From another thread, so that what is sent too early is read meanwhile.
      if (acknowledger.joinable()) acknowledger.join();
      acknowledger = std::thread([&, through = request.sequence()] {
        acknowledged = through;
        SendThrough(wire, through);
      });
    }
    if (acknowledger.joinable()) acknowledger.join();
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  PublisherOptions options;
  options.max_message_events = 1;
  const auto publisher = client.NewPublisher(options);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(publisher->Publish(MakeEvent("a.b")).ok());
  ASSERT_TRUE(publisher->Flush(kLong).ok());
  EXPECT_EQ(read, 300u);
  EXPECT_LE(most, 3u);
}

TEST_F(PublisherTest, WhatABrokenStreamLeftUnacknowledgedIsSentAgainUnderTheSameIds) {
  std::vector<uint64_t> sequences;
  broker_.on_publish_stream = [&](PublishWire& wire, int call) {
    if (call > 1) return StoreAll(wire, [&](const Event& event) { Saw(event); });
    SendWindow(wire, 8);
    v1::PublishStreamRequest request;
    wire.Read(&request);
    sequences.push_back(request.sequence());
    return Unavailable();
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto publisher = client.NewPublisher();
  ASSERT_TRUE(publisher->Publish(EventWithId("one")).ok());
  ASSERT_TRUE(publisher->Publish(EventWithId("two")).ok());
  EXPECT_TRUE(publisher->Flush(kLong).ok());
  EXPECT_THAT(seen(), ElementsAre("one", "two"));
  EXPECT_THAT(sequences, ElementsAre(1));
  EXPECT_EQ(broker_.calls, 2);
}

TEST_F(PublisherTest, UnimplementedIsNotTriedAgain) {
  broker_.on_publish_stream = [](PublishWire&, int) {
    return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "not yet");
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto publisher = client.NewPublisher();
  ASSERT_TRUE(publisher->Publish(MakeEvent("a.b")).ok());
  EXPECT_EQ(publisher->Flush(kLong).code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(publisher->counts().failed, 1u);
  EXPECT_EQ(broker_.calls, 1);
}

TEST_F(PublisherTest, ABadEventDoesNotTakeItsMessageAlong) {
  broker_.on_publish_stream = [&](PublishWire& wire, int) {
    SendWindow(wire, 8);
    v1::PublishStreamRequest request;
    while (wire.Read(&request)) {
      v1::PublishStreamResponse response;
      v1::PublishAcknowledgement& acknowledgement = *response.mutable_acknowledgement();
      acknowledgement.set_through(request.sequence());
      const bool bad = std::any_of(request.events().begin(), request.events().end(),
                                   [](const Event& event) { return event.type() == "bad one"; });
      if (bad) {
        v1::PublishStreamFailure& failure = *acknowledgement.add_failures();
        failure.set_sequence(request.sequence());
        failure.mutable_error()->set_code(3);
        failure.mutable_error()->set_field("type");
        failure.mutable_error()->set_reason(v1::ERROR_REASON_INVALID_FIELD);
      } else {
        for (const Event& event : request.events()) Saw(event);
      }
      wire.Write(response);
    }
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  std::vector<std::string> failed;
  PublisherOptions options;
  options.on_failure = [&](const Event& event, const absl::Status& status) {
    failed.push_back(event.id() + " " + GetErrorField(status));
  };
  const auto publisher = client.NewPublisher(options);
  Event bad = EventWithId("bad");
  bad.set_type("bad one");
  // All before the stream is open, so that they share a message.
  ASSERT_TRUE(publisher->Publish(EventWithId("before")).ok());
  ASSERT_TRUE(publisher->Publish(bad).ok());
  ASSERT_TRUE(publisher->Publish(EventWithId("after")).ok());
  const absl::Status flushed = publisher->Flush(kLong);
  EXPECT_EQ(flushed.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetErrorReason(flushed), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_THAT(failed, ElementsAre("bad type"));
  EXPECT_THAT(seen(), UnorderedElementsAre("before", "after"));
  EXPECT_TRUE(publisher->Flush(kLong).ok()) << "a failure is told once";
}

TEST_F(PublisherTest, WhatTheBrokerHadNoRoomForIsSentAgain) {
  std::atomic<bool> full = true;
  broker_.on_publish_stream = [&](PublishWire& wire, int) {
    SendWindow(wire, 8);
    v1::PublishStreamRequest request;
    while (wire.Read(&request)) {
      v1::PublishStreamResponse response;
      v1::PublishAcknowledgement& acknowledgement = *response.mutable_acknowledgement();
      acknowledgement.set_through(request.sequence());
      if (full.exchange(false)) {
        v1::PublishStreamFailure& failure = *acknowledgement.add_failures();
        failure.set_sequence(request.sequence());
        failure.mutable_error()->set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
        failure.mutable_error()->set_reason(v1::ERROR_REASON_PUBLISH_QUEUE_FULL);
      } else {
        for (const Event& event : request.events()) Saw(event);
      }
      wire.Write(response);
    }
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto publisher = client.NewPublisher();
  ASSERT_TRUE(publisher->Publish(EventWithId("one")).ok());
  EXPECT_TRUE(publisher->Flush(kLong).ok());
  EXPECT_THAT(seen(), ElementsAre("one"));
}

TEST_F(PublisherTest, ACallbackGetsThePosition) {
  broker_.on_publish_stream = [](PublishWire& wire, int) {
    return StoreAll(wire, [](const Event&) {});
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto publisher = client.NewPublisher();
  std::string position;
  ASSERT_TRUE(publisher
                  ->Publish(EventWithId("x"),
                            [&](const Event&, absl::StatusOr<Published> result) {
                              position =
                                  result.ok() ? result->position : result.status().ToString();
                            })
                  .ok());
  ASSERT_TRUE(publisher->Flush(kLong).ok());
  EXPECT_EQ(position, "at x");
}

TEST_F(PublisherTest, TryPublishRefusesAtTheBoundAndKeepsTheEvent) {
  // Shared, for the broker of the fixture outlives this scope.
  const auto release = std::make_shared<absl::Notification>();
  broker_.on_publish_stream = [release](PublishWire&, int) {
    release->WaitForNotification();
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  PublisherOptions options;
  options.max_pending_events = 2;
  const auto publisher = client.NewPublisher(options);
  ASSERT_TRUE(publisher->TryPublish(MakeEvent("a.b")).ok());
  ASSERT_TRUE(publisher->TryPublish(MakeEvent("a.b")).ok());
  Event third = EventWithId("third");
  EXPECT_EQ(publisher->TryPublish(std::move(third)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(third.id(), "third");
  release->Notify();
}

TEST_F(PublisherTest, AnEventThatIsNeverConfirmedFailsAfterTheDeliveryTimeout) {
  broker_.on_publish_stream = [](PublishWire& wire, int) {
    SendWindow(wire, 8);
    v1::PublishStreamRequest request;
    while (wire.Read(&request)) continue;
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  PublisherOptions options;
  options.delivery_timeout = absl::Milliseconds(100);
  const auto publisher = client.NewPublisher(options);
  ASSERT_TRUE(publisher->Publish(MakeEvent("a.b")).ok());
  const absl::Status flushed = publisher->Flush(kLong);
  EXPECT_EQ(flushed.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(flushed.message()), HasSubstr("not confirmed within 100ms"));
}

TEST_F(PublisherTest, UnaryPublishTriesAgainUnderTheSameId) {
  std::set<std::string> ids;
  broker_.on_publish = [&](const v1::PublishRequest& request, v1::PublishResponse* response,
                           int call) {
    ids.insert(request.event().id());
    if (call < 3) return Unavailable();
    response->mutable_published()->set_position("1-0");
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  Event event;
  event.set_type("a.b");
  const auto published = client.Publish(event);
  ASSERT_TRUE(published.ok()) << published.status();
  EXPECT_EQ(published->position, "1-0");
  EXPECT_EQ(broker_.calls, 3);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_NE(*ids.begin(), "");
}

TEST_F(PublisherTest, UnaryPublishDoesNotTryUnimplementedAgain) {
  broker_.on_publish = [](const v1::PublishRequest&, v1::PublishResponse*, int) {
    return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "not yet");
  };
  broker_.Start();
  Client client = broker_.Connect();
  EXPECT_EQ(client.Publish(MakeEvent("a.b")).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(broker_.calls, 1);
}

TEST(ConnectTest, NobodyThereIsUnavailableAndNamesTheAddress) {
  const auto client = Client::Connect("127.0.0.1:1", {.connect_timeout = absl::ZeroDuration()});
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace eventbus::client
