#include "server/daemon/daemon.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/unit/daemon/daemon_fixture.h"

namespace eventbus {
namespace {

using DaemonTest = DaemonFixture;
using Ids = std::vector<std::string>;

TEST_F(DaemonTest, IsReadyOnceItHasStarted) {
  Start();
  EXPECT_TRUE(daemon_->Ready().ok()) << daemon_->Ready();
  EXPECT_GT(daemon_->port(), 0);
  EXPECT_GT(daemon_->metrics_port(), 0);
}

TEST_F(DaemonTest, NeedsNoMetricsEndpoint) {
  config_.metrics.address = "";
  Start();
  EXPECT_EQ(daemon_->metrics_port(), 0);
}

TEST_F(DaemonTest, WhatIsPublishedIsDeliveredToGroupsAndTails) {
  Start();
  const auto member = Subscribe(Group("g", "order.*"));
  EXPECT_TRUE(member->Next().has_opened());
  EXPECT_TRUE(Publish("order.created", "1").ok());
  EXPECT_TRUE(Publish("order.paid", "2").ok());
  EXPECT_EQ(member->TakeIds(2), (Ids{"1", "2"}));
  const auto tail = Subscribe(Tail("order.created"));
  EXPECT_TRUE(tail->Next().has_opened());
  EXPECT_EQ(tail->TakeIds(1), Ids{"1"});
  member->context.TryCancel();
  tail->context.TryCancel();
}

TEST_F(DaemonTest, DeliveriesOfABrokenCallGoToTheNextMember) {
  Start();
  auto first = Subscribe(Group("g", "a"));
  EXPECT_TRUE(first->Next().has_opened());
  EXPECT_TRUE(Publish("a", "1").ok());
  EXPECT_EQ(first->TakeIds(1), Ids{"1"});
  first->context.TryCancel();
  first.reset();
  const auto second = Subscribe(Group("g", "a"));
  EXPECT_TRUE(second->Next().has_opened());
  EXPECT_EQ(second->TakeIds(1), Ids{"1"});
  second->context.TryCancel();
}

TEST_F(DaemonTest, DrainTellsSubscribersAndEndsTheirCalls) {
  Start();
  const auto member = Subscribe(Group("g", "a"));
  EXPECT_TRUE(member->Next().has_opened());
  std::thread drainer([this] { daemon_->Drain(); });
  EXPECT_TRUE(member->Next().has_drain());
  EXPECT_EQ(member->Next().message_case(), v1::SubscribeResponse::MESSAGE_NOT_SET);
  const grpc::Status status = member->stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  drainer.join();
  EXPECT_EQ(Publish("a", "1").error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(DaemonTest, DrainEndsPublishingStreamsAndCallsThatNeverOpened) {
  Start();
  grpc::ClientContext publish_context;
  publish_context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  const auto publisher = stub_->PublishStream(&publish_context);
  v1::PublishStreamResponse response;
  ASSERT_TRUE(publisher->Read(&response));
  EXPECT_TRUE(response.has_window());
  Subscriber silent;
  silent.context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  silent.stream = stub_->Subscribe(&silent.context);
  // The server has seen the call before: both are on one connection.
  EXPECT_TRUE(Publish("a", "1").ok());

  daemon_->Drain();
  EXPECT_FALSE(publisher->Read(&response));
  EXPECT_EQ(publisher->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(silent.stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(DaemonTest, StopsAtOnceWithCallsOpen) {
  Start();
  const auto member = Subscribe(Group("g", "a"));
  EXPECT_TRUE(member->Next().has_opened());
  const auto tail = Subscribe(Tail("a"));
  EXPECT_TRUE(tail->Next().has_opened());
  EXPECT_TRUE(Publish("a", "1").ok());
  daemon_.reset();
  while (member->Next().message_case() != v1::SubscribeResponse::MESSAGE_NOT_SET) {
  }
  EXPECT_FALSE(member->stream->Finish().ok());
}

TEST_F(DaemonTest, TakenPortIsSaidClearly) {
  Start();
  Config second = config_;
  second.listen.address = absl::StrCat("127.0.0.1:", daemon_->port());
  const absl::Status status = Daemon::Start(second, Logger::Null()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), second.listen.address)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "in use")) << status;
}

TEST_F(DaemonTest, AStoreThatCannotBeIsRefusedAtStart) {
  config_.store.kind = StoreKind::kRedis;
  config_.store.redis.url = "http://127.0.0.1";
  EXPECT_EQ(Daemon::Start(config_, Logger::Null()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace eventbus
