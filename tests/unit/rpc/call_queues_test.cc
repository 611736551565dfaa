// Calls on completion queues, with real clients on the loopback.
#include "server/rpc/call/call_queues.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "eventbus/v1/event.pb.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "server/loop/uv_loop.h"
#include "server/loop/uv_network.h"
#include "server/rpc/call/call_router.h"
#include "server/rpc/event_bus_service.h"
#include "server/rpc/message_slices.h"
#include "server/rpc/request_bytes.h"
#include "server/rpc/standard/health_service.h"

namespace eventbus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(20);

std::string TextOf(const grpc::ByteBuffer& buffer) {
  return std::string(RequestBytes(buffer).view());
}

// What happened to a stream on the server, in order.
class Diary {
 public:
  void Note(absl::string_view what) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    absl::StrAppend(&text_, text_.empty() ? "" : " ", what);
  }
  std::string WaitFor(absl::string_view last) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return absl::string_view(text_).find(last) != absl::string_view::npos;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&there), kPatience);
    return text_;
  }

 private:
  absl::Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

// Answers each message with itself, and writes down what it is told.
class EchoReactor final : public StreamReactor {
 public:
  EchoReactor(CallContext* context, Diary* diary)
      : StreamReactor(context), context_(context), diary_(diary) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      diary_->Note(TextOf(message_));
      StartWrite(&message_);
      return;
    }
    diary_->Note(context_->IsCancelled() ? "gone" : "half-closed");
    Finish(grpc::Status::OK);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return;
    StartRead(&message_);
    diary_->Note("reading");
  }
  void OnCancel() override { diary_->Note("cancelled"); }
  void OnDone() override {
    diary_->Note("done");
    delete this;
  }

 private:
  CallContext* const context_;
  Diary* const diary_;
  grpc::ByteBuffer message_;
};

class CallQueuesTest : public ::testing::Test {
 protected:
  CallQueuesTest() {
    for (const char* method : {"test.Test/Echo", "eventbus.v1.EventBus/Publish"}) {
      router_.Add(method,
                  CallRouter::Unary([](CallContext* context, const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) {
                    *response = *request;
                    UnaryReactor* const reactor = context->DefaultReactor();
                    reactor->Finish(grpc::Status::OK);
                    return reactor;
                  }));
    }
    router_.Add("eventbus.v1.EventBus/Settle",
                CallRouter::Unary([](CallContext* context, const grpc::ByteBuffer* /*request*/,
                                     grpc::ByteBuffer* /*response*/) {
                  UnaryReactor* const reactor = context->DefaultReactor();
                  reactor->Finish(grpc::Status(grpc::StatusCode::ABORTED,
                                               absl::StrCat("not for ", context->Metadata("who"))));
                  return reactor;
                }));
    router_.AddParsed<v1::Event, v1::Event>(
        "test.Test/Parsed",
        [](CallContext* context, const v1::Event* request, v1::Event* response) {
          response->set_type(absl::StrCat(request->type(), " for ", context->Metadata("who")));
          UnaryReactor* const reactor = context->DefaultReactor();
          reactor->Finish(grpc::Status::OK);
          return reactor;
        });
    router_.Add("test.Test/Stream", CallRouter::Stream([this](CallContext* context) {
                  return new EchoReactor(context, &diary_);
                }));
    for (const char* method : {"test.Test/Posted", "eventbus.v1.EventBus/PublishBatch"}) {
      router_.Add(method,
                  CallRouter::Unary([this](CallContext* context, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) {
                    *response = *request;
                    UnaryReactor* const reactor = context->DefaultReactor();
                    loop_.Post([this, reactor] {
                      if (std::this_thread::get_id() != loop_thread_.get_id()) ++run_by_helpers_;
                      reactor->Finish(grpc::Status::OK);
                    });
                    return reactor;
                  }));
    }
    router_.Add("test.Test/Asked",
                CallRouter::Unary([this](CallContext* context, const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) {
                  *response = *request;
                  UnaryReactor* const reactor = context->DefaultReactor();
                  loop_.Post([this, reactor] { ask_(reactor); });
                  return reactor;
                }));
    health_.AddTo(&router_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    queues_ = std::make_unique<CallQueues>(2, &router_, EventBusUnaryMethods(), &loop_, &builder);
    server_ = builder.BuildAndStart();
    queues_->Start();
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  }
  ~CallQueuesTest() override {
    Stop(absl::Now() + kPatience);
    loop_.Stop();
    loop_thread_.join();
  }

  void Stop(absl::Time deadline) {
    server_->Shutdown(absl::ToChronoTime(deadline));
    queues_->Stop();
  }

  // The answer's bytes, and how the call ended.
  std::pair<std::string, grpc::Status> Call(const std::string& path, const std::string& request) {
    grpc::ClientContext context;
    context.AddMetadata("who", "me");
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    grpc::GenericStub stub(channel_);
    const grpc::ByteBuffer bytes = BufferOf(request);
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification done;
    stub.UnaryCall(&context, path, grpc::StubOptions(), &bytes, &response,
                   [&](grpc::Status result) {
                     status = std::move(result);
                     done.Notify();
                   });
    done.WaitForNotification();
    return {status.ok() ? TextOf(response) : "", status};
  }

  // Before the queues, whose calls use them.
  Diary diary_;
  HealthService health_{{"test.Test"}};
  CallRouter router_;
  UvLoop loop_;
  std::atomic<int> run_by_helpers_{0};
  // Of the loop: what a call of Asked does there.
  absl::AnyInvocable<void(UnaryReactor*)> ask_;
  std::thread loop_thread_{[this] { loop_.Run(); }};
  std::unique_ptr<CallQueues> queues_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A stream of the client, one operation after the other.
class ClientStream {
 public:
  ClientStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& path)
      : stub_(channel) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    stream_ = stub_.PrepareCall(&context_, path, &queue_);
    stream_->StartCall(this);
    Next();
  }
  ~ClientStream() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  void Write(const std::string& message) {
    stream_->Write(BufferOf(message), this);
    Next();
  }
  std::optional<std::string> Read() {
    grpc::ByteBuffer message;
    stream_->Read(&message, this);
    if (!Next()) return std::nullopt;
    return TextOf(message);
  }
  void HalfClose() {
    stream_->WritesDone(this);
    Next();
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() {
    grpc::Status status;
    stream_->Finish(&status, this);
    Next();
    return status;
  }

 private:
  bool Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

TEST_F(CallQueuesTest, WhatAHandlerPostsIsRunByTheQueuesThreadWhileTheLoopSleeps) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Call("/test.Test/Posted", "x").first, "x");
  // All but a few, unless the machine is busy.
  EXPECT_GT(run_by_helpers_, 0);
}

TEST_F(CallQueuesTest, WhatIsDueToCallsAtOnceIsLookedForByTheQueuesThread) {
  // Somebody whom the handler asks over a socket.
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  std::thread other([&] {
    char byte = 0;
    while (read(ends[1], &byte, 1) == 1) ASSERT_EQ(write(ends[1], &byte, 1), 1);
  });
  // Both are the loop's.
  UvNetwork network(&loop_);
  std::unique_ptr<SocketWatcher> watcher;
  UnaryReactor* asking = nullptr;
  const auto on_loop = [&](absl::AnyInvocable<void()> task) {
    absl::Notification ran;
    loop_.Post([&] {
      task();
      ran.Notify();
    });
    ran.WaitForNotification();
  };
  on_loop([&] {
    watcher = network.WatchSocket(ends[0], [&](Network::Readiness) {
      char byte = 0;
      ASSERT_EQ(read(ends[0], &byte, 1), 1);
      if (std::this_thread::get_id() != loop_thread_.get_id()) ++run_by_helpers_;
      watcher->Expect(false);
      asking->Finish(grpc::Status::OK);
    });
    watcher->Watch(true, false);
  });
  ask_ = [&](UnaryReactor* reactor) {
    asking = reactor;
    watcher->Expect(true);
    ASSERT_EQ(write(ends[0], "?", 1), 1);
  };
  // Sooner or later one is answered in time, however busy the machine is.
  for (int calls = 0; calls < 2'000 && run_by_helpers_ == 0; ++calls) {
    EXPECT_EQ(Call("/test.Test/Asked", "x").first, "x");
  }
  EXPECT_GT(run_by_helpers_, 0);
  on_loop([&] { watcher.reset(); });
  close(ends[0]);
  other.join();
  close(ends[1]);
}

TEST_F(CallQueuesTest, AQueuesThreadStaysAwakeForWhatLingers) {
  std::atomic<int> lingered{0};
  ask_ = [&](UnaryReactor* reactor) {
    const bool lingers = loop_.Linger(absl::Microseconds(300), [&lingered, reactor] {
      ++lingered;
      reactor->Finish(grpc::Status::OK);
    });
    // The loop's own thread has run it.
    if (!lingers) reactor->Finish(grpc::Status::OK);
  };
  // Nothing else ends a call. Sooner or later the loop is helped, however busy the machine is.
  for (int calls = 0; calls < 2'000 && lingered < 10; ++calls) {
    EXPECT_EQ(Call("/test.Test/Asked", "x").first, "x");
  }
  EXPECT_EQ(lingered, 10);
}

TEST_F(CallQueuesTest, UnaryCallsAreAnswered) {
  const auto [answer, status] = Call("/test.Test/Echo", "hello");
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer, "hello");
}

TEST_F(CallQueuesTest, CallsThatComeWithTheirRequestAreAnswered) {
  for (const char* method :
       {"/eventbus.v1.EventBus/Publish", "/eventbus.v1.EventBus/PublishBatch"}) {
    const auto [answer, status] = Call(method, "hello");
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(answer, "hello");
  }
  const grpc::Status refused = Call("/eventbus.v1.EventBus/Settle", "hello").second;
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(refused.error_message(), "not for me");
}

TEST_F(CallQueuesTest, ACallThatShouldHaveComeWithItsRequestAndHasNoneIsRefused) {
  ClientStream stream(channel_, "/eventbus.v1.EventBus/Publish");
  stream.HalfClose();
  EXPECT_FALSE(stream.Finish().ok());
  EXPECT_EQ(Call("/eventbus.v1.EventBus/Publish", "hello").first, "hello");
}

TEST_F(CallQueuesTest, ParsedCallsGetTheirMessageAndItsMetadata) {
  v1::Event event;
  event.set_type("tea");
  const auto [answer, status] = Call("/test.Test/Parsed", event.SerializeAsString());
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::Event response;
  ASSERT_TRUE(response.ParseFromString(answer));
  EXPECT_EQ(response.type(), "tea for me");
}

TEST_F(CallQueuesTest, WhatCannotBeParsedIsAnInvalidArgument) {
  const auto [answer, status] = Call("/test.Test/Parsed", "\xff\xff");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("eventbus.v1.Event"), std::string::npos);
}

TEST_F(CallQueuesTest, AnUnknownMethodIsUnimplemented) {
  const auto [answer, status] = Call("/test.Test/Nothing", "hello");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_NE(status.error_message().find("/test.Test/Nothing"), std::string::npos);
}

TEST_F(CallQueuesTest, AUnaryCallWithoutARequestIsAnInvalidArgument) {
  ClientStream stream(channel_, "/test.Test/Echo");
  stream.HalfClose();
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CallQueuesTest, AStreamEndsInPeaceWhenTheClientHalfCloses) {
  ClientStream stream(channel_, "/test.Test/Stream");
  stream.Write("a");
  EXPECT_EQ(stream.Read(), "a");
  stream.Write("b");
  EXPECT_EQ(stream.Read(), "b");
  stream.HalfClose();
  EXPECT_EQ(stream.Read(), std::nullopt);
  EXPECT_TRUE(stream.Finish().ok());
  EXPECT_EQ(diary_.WaitFor("done"), "a reading b reading half-closed done");
}

TEST_F(CallQueuesTest, ACancelledStreamIsNotTakenForAHalfClosedOne) {
  ClientStream stream(channel_, "/test.Test/Stream");
  stream.Write("a");
  EXPECT_EQ(stream.Read(), "a");
  stream.Cancel();
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_THAT(diary_.WaitFor("done"), AllOf(HasSubstr("gone"), HasSubstr("cancelled")));
}

TEST_F(CallQueuesTest, AConnectionThatBreaksIsNotTakenForAHalfClose) {
  ClientStream stream(channel_, "/test.Test/Stream");
  stream.Write("a");
  EXPECT_EQ(stream.Read(), "a");
  Stop(absl::Now());
  EXPECT_FALSE(stream.Finish().ok());
  EXPECT_THAT(diary_.WaitFor("done"), AllOf(HasSubstr("gone"), HasSubstr("cancelled")));
}

TEST_F(CallQueuesTest, AHalfCloseStaysOneIfTheClientLeavesRightAfterIt) {
  ClientStream stream(channel_, "/test.Test/Stream");
  stream.Write("a");
  EXPECT_EQ(stream.Read(), "a");
  ASSERT_EQ(diary_.WaitFor("reading"), "a reading");
  stream.HalfClose();
  stream.Cancel();
  stream.Finish();
  EXPECT_THAT(diary_.WaitFor("done"), StartsWith("a reading half-closed"));
}

TEST_F(CallQueuesTest, ManyCallsAtOnceAreAllAnswered) {
  constexpr int kCalls = 500;
  grpc::GenericStub stub(channel_);
  const grpc::ByteBuffer bytes = BufferOf(std::string("hello"));
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<grpc::ByteBuffer> responses(kCalls);
  absl::Mutex mutex;
  int answered = 0;
  for (int i = 0; i < kCalls; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    contexts.back()->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    const char* const method =
        i % 2 == 0 ? "/test.Test/Echo" : "/eventbus.v1.EventBus/PublishBatch";
    stub.UnaryCall(contexts.back().get(), method, grpc::StubOptions(), &bytes,
                   &responses[static_cast<size_t>(i)], [&](const grpc::Status& status) {
                     EXPECT_TRUE(status.ok()) << status.error_message();
                     absl::MutexLock lock(&mutex);
                     ++answered;
                   });
  }
  absl::MutexLock lock(&mutex);
  const auto all = [&] { return answered == kCalls; };
  mutex.Await(absl::Condition(&all));
}

TEST_F(CallQueuesTest, StoppingAgainDoesNothing) {
  Stop(absl::Now());
  Stop(absl::Now());
}

class HealthTest : public CallQueuesTest {
 protected:
  using Response = grpc::health::v1::HealthCheckResponse;

  static std::string Asking(const std::string& service) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    return request.SerializeAsString();
  }
  static std::string StatusIn(const std::optional<std::string>& message) {
    Response response;
    if (!message.has_value() || !response.ParseFromString(*message)) return "nothing";
    return Response::ServingStatus_Name(response.status());
  }
};

TEST_F(HealthTest, ChecksTellOfTheWholeAndOfItsServices) {
  constexpr char kCheck[] = "/grpc.health.v1.Health/Check";
  EXPECT_EQ(StatusIn(Call(kCheck, Asking("")).first), "NOT_SERVING");
  health_.SetServing(true);
  EXPECT_EQ(StatusIn(Call(kCheck, Asking("")).first), "SERVING");
  EXPECT_EQ(StatusIn(Call(kCheck, Asking("test.Test")).first), "SERVING");
  EXPECT_EQ(Call(kCheck, Asking("test.Other")).second.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthTest, WatchersAreToldOfChangesAndOfTheEnd) {
  ClientStream watch(channel_, "/grpc.health.v1.Health/Watch");
  watch.Write(Asking("test.Test"));
  watch.HalfClose();
  EXPECT_EQ(StatusIn(watch.Read()), "NOT_SERVING");
  health_.SetServing(true);
  EXPECT_EQ(StatusIn(watch.Read()), "SERVING");
  health_.SetServing(true);
  health_.SetServing(false);
  EXPECT_EQ(StatusIn(watch.Read()), "NOT_SERVING");
  health_.Drain();
  EXPECT_EQ(watch.Read(), std::nullopt);
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(HealthTest, WhoWatchesAnUnknownServiceIsTold) {
  ClientStream watch(channel_, "/grpc.health.v1.Health/Watch");
  watch.Write(Asking("test.Other"));
  EXPECT_EQ(StatusIn(watch.Read()), "SERVICE_UNKNOWN");
  watch.Cancel();
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace eventbus
