#include "eventbus/subscription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/unit/client/fake_broker.h"

namespace eventbus::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::Duration kLong = absl::Seconds(20);

Settle AckAll(const Delivery&) { return Settle::Ack(); }

// A set of strings that a test waits to be as it should.
class Record {
 public:
  void Add(std::string text) {
    absl::MutexLock lock(&mutex_);
    lines_.push_back(std::move(text));
  }
  std::vector<std::string> WaitFor(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return lines_.size() >= count; };
    mutex_.AwaitWithTimeout(absl::Condition(&enough), kLong);
    return lines_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

std::string Describe(const v1::Settlement& settlement) {
  std::string text;
  for (const uint64_t number : settlement.ack()) absl::StrAppend(&text, "ack ", number, " ");
  for (const auto& range : settlement.ack_ranges()) {
    absl::StrAppend(&text, "ack ", range.first(), "-", range.last(), " ");
  }
  for (const auto& nack : settlement.nacks()) {
    absl::StrAppend(&text, "nack ", nack.deliveries(0).first(), " (", nack.reason(), ") ");
  }
  for (const auto& range : settlement.releases()) {
    absl::StrAppend(&text, "release ", range.first(), "-", range.last(), " ");
  }
  if (settlement.confirm() != 0) text += "confirm ";
  if (!text.empty()) text.pop_back();
  return text;
}

class SubscriptionTest : public ::testing::Test {
 protected:
  std::function<void(const v1::Settlement&)> Recording() {
    return [this](const v1::Settlement& settlement) { settled_.Add(Describe(settlement)); };
  }

  Record settled_;
  Record handled_;
  FakeBroker broker_;
};

TEST_F(SubscriptionTest, AcksOfABacklogLeaveAsRangesInFewMessages) {
  absl::Mutex mutex;
  uint64_t acked = 0;
  int messages = 0;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 500);
    SendDeliveries(wire, 501, 500);
    return ReadSettlements(wire, [&](const v1::Settlement& settlement) {
      absl::MutexLock lock(&mutex);
      ++messages;
      acked += static_cast<uint64_t>(settlement.ack_size());
      for (const auto& range : settlement.ack_ranges()) acked += range.last() - range.first() + 1;
    });
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  absl::MutexLock lock(&mutex);
  const auto all = [&] { return acked == 1000; };
  ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&all), kLong));
  EXPECT_LT(messages, 100);
}

TEST_F(SubscriptionTest, ALoneAckLeavesAtOnce) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 1);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ(settled_.WaitFor(1)[0], "ack 1");
}

TEST_F(SubscriptionTest, AFailedHandlerNacksWithItsReason) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 1);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription =
      client.Subscribe({"*"}, [](const Delivery&) { return absl::InternalError("disk full"); });
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ(settled_.WaitFor(1)[0], "nack 1 (INTERNAL: disk full)");
}

TEST_F(SubscriptionTest, WhereNacksAreUnimplementedFailedDeliveriesAreReleasedLater) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 1);
    v1::SubscribeRequest request;
    while (wire.Read(&request)) {
      if (!request.settle().nacks().empty()) {
        settled_.Add("nack");
        return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "settle.nacks");
      }
      settled_.Add(Describe(request.settle()));
      Confirm(wire, request.settle());
    }
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe(
      {"*"}, [](const Delivery&) { return Settle::Nack("not now", absl::Milliseconds(1)); });
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(settled_.WaitFor(2), ElementsAre("nack", "release 1-1"));
  EXPECT_EQ(broker_.calls, 2);
}

TEST_F(SubscriptionTest, ABrokenStreamIsOpenedAgain) {
  Record interruptions;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int call) {
    SendOpened(wire);
    if (call == 1) return Unavailable();
    SendDeliveries(wire, 1, 1);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  SubscribeOptions options;
  options.on_interruption = [&](const absl::Status& why) { interruptions.Add(why.ToString()); };
  const auto subscription = client.Subscribe({"*"}, AckAll, options);
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ(settled_.WaitFor(1)[0], "ack 1");
  EXPECT_THAT(interruptions.WaitFor(1)[0], HasSubstr("the stream breaks"));
}

TEST_F(SubscriptionTest, AfterADrainTheOldStreamIsSettledWhileANewOneDelivers) {
  absl::Notification second_delivered;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int call) {
    SendOpened(wire);
    if (call == 2) {
      second_delivered.Notify();
      return ReadSettlements(wire, [](const v1::Settlement&) {});
    }
    SendDeliveries(wire, 1, 2);
    v1::SubscribeResponse drain;
    drain.mutable_drain()->mutable_deadline()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 60);
    wire.Write(drain);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, [&](const Delivery&) {
    // Both are handled only once the new stream stands.
    second_delivered.WaitForNotificationWithTimeout(kLong);
    return Settle::Ack();
  });
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(absl::StrJoin(settled_.WaitFor(1), " "), HasSubstr("ack 1"));
  std::string all;
  for (size_t count = 1; !absl::StrContains(all, "confirm"); ++count) {
    const auto lines = settled_.WaitFor(count);
    ASSERT_GE(lines.size(), count) << all;
    all = absl::StrJoin(lines, " ");
  }
  EXPECT_EQ(broker_.calls, 2);
}

TEST_F(SubscriptionTest, PingsAreAnswered) {
  Record pongs;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen& open, int) {
    EXPECT_TRUE(open.answers_pings());
    SendOpened(wire);
    v1::SubscribeResponse ping;
    ping.mutable_ping()->set_number(42);
    wire.Write(ping);
    v1::SubscribeRequest request;
    while (wire.Read(&request)) {
      if (request.has_pong()) pongs.Add(absl::StrCat(request.pong().number()));
      Confirm(wire, request.settle());
    }
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(pongs.WaitFor(1), ElementsAre("42"));
}

TEST_F(SubscriptionTest, AServerThatFallsSilentIsLeft) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    v1::SubscribeResponse response;
    response.mutable_opened()->mutable_heartbeat()->set_nanos(20'000'000);
    wire.Write(response);
    v1::SubscribeRequest request;
    while (wire.Read(&request)) continue;
    handled_.Add("left");
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(handled_.WaitFor(2), SizeIs(testing::Ge(2u)));
}

TEST_F(SubscriptionTest, WhenADrainedCallFallsSilentTheNewOneKeepsItsConnection) {
  broker_.on_publish = [](const v1::PublishRequest&, v1::PublishResponse*, int) {
    return grpc::Status::OK;
  };
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int call) {
    if (call == 2) {
      SendOpened(wire);
      return ReadSettlements(wire, Recording());
    }
    v1::SubscribeResponse response;
    response.mutable_opened()->mutable_heartbeat()->set_nanos(20'000'000);
    wire.Write(response);
    response.mutable_drain()->mutable_deadline()->set_seconds(absl::ToUnixSeconds(absl::Now()) +
                                                              60);
    wire.Write(response);
    // Confirms nothing, says nothing.
    v1::SubscribeRequest request;
    while (wire.Read(&request)) continue;
    handled_.Add("left");
    return grpc::Status::OK;
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok());
  ASSERT_THAT(handled_.WaitFor(1), ElementsAre("left"));
  Event event;
  event.set_type("a.b");
  EXPECT_TRUE(client.Publish(event).ok());
  const std::vector<std::string> peers = broker_.peers();
  ASSERT_THAT(peers, SizeIs(3));
  EXPECT_NE(peers[0], peers[1]) << "a drain leads to a new connection";
  EXPECT_EQ(peers[1], peers[2]);
}

TEST_F(SubscriptionTest, ASlowOnOpenIsNotTakenForASilentServer) {
  absl::Notification open_done;
  absl::Notification never;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    v1::SubscribeResponse response;
    response.mutable_opened()->mutable_heartbeat()->set_nanos(20'000'000);
    wire.Write(response);
    open_done.WaitForNotificationWithTimeout(kLong);
    never.WaitForNotificationWithTimeout(absl::Milliseconds(200));
    SendDeliveries(wire, 1, 1);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  SubscribeOptions options;
  // Longer than the client's patience with a server of that heartbeat.
  options.on_open = [&](const SubscriptionInfo&) {
    never.WaitForNotificationWithTimeout(absl::Milliseconds(2'100));
    if (!open_done.HasBeenNotified()) open_done.Notify();
  };
  const auto subscription = client.Subscribe({"*"}, AckAll, options);
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ(settled_.WaitFor(1)[0], "ack 1");
  EXPECT_EQ(broker_.calls, 1);
}

TEST_F(SubscriptionTest, StopSettlesWhatRanAndReleasesTheRest) {
  absl::Notification handling;
  absl::Notification go_on;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 10);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, [&](const Delivery& delivery) {
    handled_.Add(delivery.event().id());
    handling.Notify();
    go_on.WaitForNotification();
    return Settle::Ack();
  });
  ASSERT_TRUE(subscription.ok());
  handling.WaitForNotification();
  (*subscription)->RequestStop();
  go_on.Notify();
  EXPECT_TRUE((*subscription)->Stop(kLong).ok());
  EXPECT_THAT(handled_.WaitFor(1), ElementsAre("1"));
  EXPECT_EQ(settled_.WaitFor(1).back(), "ack 1 release 2-10 confirm");
}

TEST_F(SubscriptionTest, WhatAHandlerLeavesIsReleasedByStop) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 2);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, [&](const Delivery& delivery) {
    handled_.Add(delivery.event().id());
    return Settle::Leave();
  });
  ASSERT_TRUE(subscription.ok());
  handled_.WaitFor(2);
  EXPECT_TRUE((*subscription)->Stop(kLong).ok());
  EXPECT_THAT(settled_.WaitFor(1), ElementsAre("release 1-2 confirm"));
}

TEST_F(SubscriptionTest, ARefusalForGoodEndsIt) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "not yet");
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ((*subscription)->Wait().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(broker_.calls, 1);
}

TEST_F(SubscriptionTest, ARefusedOpenIsTheResultOfSubscribe) {
  broker_.on_subscribe = [&](SubscribeWire&, const v1::SubscribeOpen&, int) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "open.group.patterns[0]: bad");
  };
  broker_.Start();
  Client client = broker_.Connect();
  EXPECT_EQ(client.Subscribe({"!"}, AckAll).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SubscriptionTest, AServiceNamesADurableGroupAndASecondOneNeedsANameOfItsOwn) {
  Record groups;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen& open, int) {
    groups.Add(absl::StrCat(open.group().name(), open.group().ephemeral() ? " ephemeral" : ""));
    SendOpened(wire, open.group().name());
    return ReadSettlements(wire, [](const v1::Settlement&) {});
  };
  broker_.Start();
  Client client = broker_.Connect({.service = "analytics"});
  {
    const auto first = client.Subscribe({"order.*", "user.+"}, AckAll);
    ASSERT_TRUE(first.ok()) << first.status();
    const auto second = client.Subscribe({"user.+", "order.*"}, AckAll);
    EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr("SubscribeOptions::group"));
    SubscribeOptions own;
    own.group = "audit";
    EXPECT_TRUE(client.Subscribe({"order.*", "user.+"}, AckAll, own).ok());
  }
  EXPECT_TRUE(client.Subscribe({"order.*", "user.+"}, AckAll).ok()) << "the first one has ended";
  EXPECT_EQ(groups.WaitFor(3)[0], "analytics/order.*:user./1");
}

TEST_F(SubscriptionTest, WithoutAServiceAnEphemeralGroupKeepsItsNameWhenTheStreamBreaks) {
  Record groups;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen& open, int call) {
    groups.Add(absl::StrCat(open.group().name(), open.group().ephemeral() ? " ephemeral" : ""));
    SendOpened(wire, "made-by-server");
    return call == 1 ? Unavailable() : ReadSettlements(wire, [](const v1::Settlement&) {});
  };
  broker_.Start();
  Client client = broker_.Connect();
  const auto subscription = client.Subscribe({"*"}, AckAll);
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(groups.WaitFor(2), ElementsAre(" ephemeral", "made-by-server ephemeral"));
}

TEST_F(SubscriptionTest, ATailGoesOnBehindWhatItSaw) {
  Record starts;
  absl::Notification handled;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen& open, int call) {
    EXPECT_TRUE(open.has_tail());
    const auto& positions = open.start().after().positions();
    starts.Add(positions.contains("s") ? positions.at("s") : "earliest");
    SendOpened(wire, "");
    if (call > 1) return ReadSettlements(wire, [](const v1::Settlement&) {});
    SendDeliveries(wire, 5, 3);
    handled.WaitForNotification();
    return Unavailable();
  };
  broker_.Start();
  Client client = broker_.Connect();
  TailOptions options;
  options.start = StartAt::Earliest();
  const auto subscription = client.Tail(
      {"*"},
      [&](const Delivery& delivery) {
        handled_.Add(delivery.position());
        if (delivery.event().id() == "7") handled.Notify();
      },
      options);
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(handled_.WaitFor(3), ElementsAre("7-5", "7-6", "7-7"));
  EXPECT_THAT(starts.WaitFor(2), ElementsAre("earliest", "7-7"));
}

TEST_F(SubscriptionTest, ATailThatReadsSlowlyStillGetsEverything) {
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire, "");
    for (int i = 0; i < 50; ++i) SendDeliveries(wire, static_cast<uint64_t>(i) * 10, 10);
    return ReadSettlements(wire, [](const v1::Settlement&) {});
  };
  broker_.Start();
  Client client = broker_.Connect();
  TailOptions options;
  options.max_waiting = 4;
  options.max_waiting_bytes = 1;
  const auto subscription = client.Tail(
      {"*"}, [&](const Delivery& delivery) { handled_.Add(delivery.event().id()); }, options);
  ASSERT_TRUE(subscription.ok());
  const auto all = handled_.WaitFor(500);
  ASSERT_EQ(all.size(), 500u);
  EXPECT_EQ(all.back(), "499");
}

TEST_F(SubscriptionTest, SeveralHandlersRunAtOnce) {
  absl::Mutex mutex;
  int running = 0;
  broker_.on_subscribe = [&](SubscribeWire& wire, const v1::SubscribeOpen&, int) {
    SendOpened(wire);
    SendDeliveries(wire, 1, 4);
    return ReadSettlements(wire, Recording());
  };
  broker_.Start();
  Client client = broker_.Connect();
  SubscribeOptions options;
  options.handler_threads = 4;
  const auto subscription = client.Subscribe(
      {"*"},
      [&](const Delivery&) -> absl::Status {
        absl::MutexLock lock(&mutex);
        ++running;
        const auto together = [&] { return running == 4; };
        return mutex.AwaitWithTimeout(absl::Condition(&together), kLong)
                   ? absl::OkStatus()
                   : absl::InternalError("alone");
      },
      options);
  ASSERT_TRUE(subscription.ok());
  EXPECT_THAT(absl::StrJoin(settled_.WaitFor(1), " "), HasSubstr("ack"));
  EXPECT_TRUE((*subscription)->Stop(kLong).ok());
  for (const std::string& line : settled_.WaitFor(1))
    EXPECT_THAT(line, testing::Not(HasSubstr("nack")));
}

}  // namespace
}  // namespace eventbus::client
