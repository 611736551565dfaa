#ifndef EVENTBUS_TESTS_BENCH_LOAD_CONNECTIONS_H_
#define EVENTBUS_TESTS_BENCH_LOAD_CONNECTIONS_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace eventbus::bench {

// A channel with a TCP connection of its own.
inline std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A batch that is echoed comes back as large as it went.
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_CONNECTIONS_H_
