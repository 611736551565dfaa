#include "client/cpp/src/connection.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

namespace eventbus::client {

Connection::Connection(std::string address, ConnectOptions options)
    : address_(std::move(address)), options_(std::move(options)), channel_(MakeChannel()) {}

std::shared_ptr<grpc::Channel> Connection::channel() const {
  absl::MutexLock lock(&mutex_);
  return channel_;
}

void Connection::LeaveChannel(const std::shared_ptr<grpc::Channel>& left) {
  std::shared_ptr<grpc::Channel> replaced;  // Destroyed outside of the lock.
  absl::MutexLock lock(&mutex_);
  if (channel_ != left) return;
  replaced = std::exchange(channel_, MakeChannel());
}

std::shared_ptr<grpc::Channel> Connection::MakeChannel() const {
  grpc::ChannelArguments arguments;
  // Otherwise a fresh channel would find the transport of the one it replaces.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  // Finds a dead link below the streams' own heartbeats, for calls that have none.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 15'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  return grpc::CreateCustomChannel(
      address_,
      options_.credentials != nullptr ? options_.credentials : grpc::InsecureChannelCredentials(),
      arguments);
}

}  // namespace eventbus::client
