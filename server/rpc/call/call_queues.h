#ifndef EVENTBUS_SERVER_RPC_CALL_CALL_QUEUES_H_
#define EVENTBUS_SERVER_RPC_CALL_CALL_QUEUES_H_

#include <memory>
#include <thread>
#include <vector>

#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_builder.h"
#include "server/loop/loop.h"
#include "server/rpc/call/call_queue.h"
#include "server/rpc/call/call_router.h"
#include "server/rpc/call/unary_methods.h"

namespace eventbus {

// The completion queues that serve all calls, and the thread of each, which reads from connections,
// checks what came and calls the handlers. A call belongs to one queue. Functions are for the
// owner's thread.
class CallQueues {
 public:
  // One, and on large machines one for every four cores: threads of several queues take each
  // other's events out of the one set that gRPC polls, and hand them over.
  static int CountForThisMachine();

  // `router`, which knows all `methods`, and `loop`, which the handlers post to, are not owned.
  CallQueues(int count, const CallRouter* router, UnaryMethods methods, Loop* loop,
             grpc::ServerBuilder* builder);
  // Stop has been called if Start has.
  ~CallQueues();
  CallQueues(const CallQueues&) = delete;
  CallQueues& operator=(const CallQueues&) = delete;

  // Once, when the server runs.
  void Start();
  // After the server's Shutdown, which has ended all calls: waits until they are gone. Whoever owes
  // them an answer must still be running. Again: does nothing.
  void Stop();

 private:
  struct Served {
    std::unique_ptr<grpc::ServerCompletionQueue> completions;
    std::unique_ptr<CallQueue> queue;
    bool started = false;
    std::thread thread;
  };

  const CallRouter* const router_;
  const UnaryMethods methods_;
  grpc::AsyncGenericService service_;
  std::vector<std::unique_ptr<Served>> queues_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_CALL_CALL_QUEUES_H_
