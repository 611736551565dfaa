// eventbus-echo: the server that eventbusd is measured against. It has the same transport settings
// and serves the same methods, but answers each message with itself: on gRPC's callback API, as
// most servers do, or with one completion queue and thread, as eventbusd does.
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "CLI/CLI.hpp"
#include "eventbus/v1/broker.grpc.pb.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "tests/bench/load/queue_echo.h"

namespace eventbus::bench {
namespace {

class EchoStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  EchoStream() { StartRead(&message_); }

 private:
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&message_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&message_);
  }
  void OnDone() override { delete this; }

  grpc::ByteBuffer message_;
};

using RawEventBus =
    v1::EventBus::WithRawCallbackMethod_Publish<v1::EventBus::WithRawCallbackMethod_PublishBatch<
        v1::EventBus::WithRawCallbackMethod_PublishStream<v1::EventBus::Service>>>;

class EchoService final : public RawEventBus {
 private:
  using Context = grpc::CallbackServerContext;

  grpc::ServerUnaryReactor* Publish(Context* context, const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override {
    return Echo(context, request, response);
  }
  grpc::ServerUnaryReactor* PublishBatch(Context* context, const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override {
    return Echo(context, request, response);
  }
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PublishStream(
      Context* /*context*/) override {
    return new EchoStream;
  }

  static grpc::ServerUnaryReactor* Echo(Context* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) {
    *response = *request;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

int Main(int argc, char** argv) {
  std::string address = "127.0.0.1:0";
  CLI::App app("Answers each message with itself.");
  bool queue = false;
  app.add_flag("--queue", queue, "Unary calls only, on one thread and one completion queue");
  app.add_option("--address", address, "host:port to listen on");
  CLI11_PARSE(app, argc, argv);

  // Before any thread is there, so that all of them leave the signals to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(8 << 20);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  std::unique_ptr<QueueEcho> queue_echo;
  if (queue) {
    queue_echo = std::make_unique<QueueEcho>(&builder);
  } else {
    builder.RegisterService(&service);
  }
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::cerr << "eventbus-echo: cannot listen on " << address << "\n";
    return 1;
  }
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  std::thread queue_thread;
  if (queue) queue_thread = std::thread([&] { queue_echo->Run(); });
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  if (queue) {
    queue_echo->Stop();
    queue_thread.join();
  }
  return 0;
}

}  // namespace
}  // namespace eventbus::bench

int main(int argc, char** argv) { return eventbus::bench::Main(argc, argv); }
