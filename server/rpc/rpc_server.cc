#include "server/rpc/rpc_server.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/grpc.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/catalog_service.h"
#include "server/rpc/event_bus_service.h"
#include "server/rpc/standard/reflection_service.h"

namespace eventbus {
namespace {

// Above all limits of ours, so that a client hears our error, which names the setting, and not
// gRPC's.
constexpr uint64_t kMinReceiveBytes = uint64_t{8} << 20;
constexpr uint64_t kMaxReceiveBytes = uint64_t{1} << 30;

// Half-open connections are found by pings of the transport too, for clients that do not answer
// ours. The timeout is also TCP's for what is sent and not acknowledged (TCP_USER_TIMEOUT).
// Together they stay below the default ack deadline, so that nobody's events lose an attempt by it.
constexpr int kKeepaliveMs = 15'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMinClientPingMs = 5'000;

constexpr char kEventBus[] = "eventbus.v1.EventBus";
constexpr char kAdmin[] = "eventbus.v1.EventBusAdmin";
constexpr char kCatalog[] = "eventbus.catalog.v1alpha.EventCatalog";

void SetTransport(const RpcOptions& options, grpc::ServerBuilder* builder) {
  const uint64_t receive =
      std::clamp(2 * options.max_batch_bytes, kMinReceiveBytes, kMaxReceiveBytes);
  builder->SetMaxReceiveMessageSize(static_cast<int>(receive));
  // Otherwise a second daemon silently shares the port, and takes half of the connections.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Clients may ping as often as their stock settings have it, with or without calls.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kMinClientPingMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

// gRPC does not say why it could not bind, so this tries the same and asks the system.
std::string WhyNotBound(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return "it is not host:port";
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                  address.c_str() + colon + 1, &hints, &found);
  if (failure != 0) return gai_strerror(failure);
  std::string why = "gRPC gave no reason";
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int descriptor = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    const int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(descriptor, one->ai_addr, one->ai_addrlen) != 0 || listen(descriptor, 1) != 0) {
      why = std::generic_category().message(errno);
    }
    close(descriptor);
  }
  freeaddrinfo(found);
  return why;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(RpcOptions options, Loop* loop,
                                                            Broker* broker, Metrics* metrics) {
  std::unique_ptr<RpcServer> server(new RpcServer(std::move(options), loop, broker, metrics));
  if (absl::Status status = server->Listen(); !status.ok()) return status;
  return server;
}

RpcServer::RpcServer(RpcOptions options, Loop* loop, Broker* broker, Metrics* metrics)
    : context_(std::move(options), loop, broker, metrics), health_({kEventBus}) {
  AddEventBusService(&context_, &calls_, &router_);
  AddAdminService(&context_, &router_);
  AddCatalogService(&context_, &router_);
  health_.AddTo(&router_);
  AddReflection({kEventBus, kAdmin, kCatalog, "grpc.health.v1.Health",
                 "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"},
                &calls_, &router_);
}

RpcServer::~RpcServer() = default;

absl::Status RpcServer::Listen() {
  grpc::ServerBuilder builder;
  SetTransport(context_.options, &builder);
  builder.AddListeningPort(context_.options.address, grpc::InsecureServerCredentials(), &port_);
  queues_ = std::make_unique<CallQueues>(CallQueues::CountForThisMachine(), &router_,
                                         EventBusUnaryMethods(), context_.loop, &builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", context_.options.address,
                     " (setting listen.address): ", WhyNotBound(context_.options.address)));
  }
  queues_->Start();
  return absl::OkStatus();
}

void RpcServer::SetServing(bool serving) { health_.SetServing(serving); }

void RpcServer::Shutdown(absl::Time deadline) {
  // Who watches it is told to the last that the server does not serve.
  health_.Drain();
  server_->Shutdown(absl::ToChronoTime(deadline));
  queues_->Stop();
  server_->Wait();
}

}  // namespace eventbus
