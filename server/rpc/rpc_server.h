#ifndef EVENTBUS_SERVER_RPC_RPC_SERVER_H_
#define EVENTBUS_SERVER_RPC_RPC_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/server.h"
#include "server/rpc/call/call_queues.h"
#include "server/rpc/call/call_router.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/standard/health_service.h"

namespace eventbus {

// The gRPC port: the services of the contract, health and reflection. Owned by the daemon. Must
// outlive the loop's last task, since answers of the broker may come until then, after Shutdown
// too. Functions are for the owner's thread, except where noted.
class RpcServer {
 public:
  // Listens from now on. UNAVAILABLE, with address and reason, if the port cannot be had. Not
  // serving yet, as health checks see it; see SetServing.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(RpcOptions options, Loop* loop,
                                                          Broker* broker, Metrics* metrics);

  ~RpcServer();
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // The port bound, also when port 0 was asked for.
  int port() const { return port_; }

  // What health checks are told. Any thread.
  void SetServing(bool serving);

  // Ends the calls that wait for their client and that the broker does not know of: publishing
  // streams, with all they have taken answered, and subscribers that have not opened yet. Any
  // thread.
  void DrainCalls() { calls_.DrainAll(); }

  // Takes no new calls, waits until `deadline` for those under way, breaks off the rest. The loop
  // must be running, for it answers.
  void Shutdown(absl::Time deadline);

 private:
  RpcServer(RpcOptions options, Loop* loop, Broker* broker, Metrics* metrics);
  absl::Status Listen();

  const RpcContext context_;
  OpenCalls calls_;
  HealthService health_;
  CallRouter router_;
  std::unique_ptr<CallQueues> queues_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_RPC_SERVER_H_
