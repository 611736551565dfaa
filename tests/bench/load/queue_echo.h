#ifndef EVENTBUS_TESTS_BENCH_LOAD_QUEUE_ECHO_H_
#define EVENTBUS_TESTS_BENCH_LOAD_QUEUE_ECHO_H_

#include <memory>

#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_builder.h"

namespace eventbus::bench {

// An echo server of another kind than eventbusd's: one thread works on one completion queue. It
// shows what that kind could give; no measure is a ratio to it.
class QueueEcho {
 public:
  explicit QueueEcho(grpc::ServerBuilder* builder);
  // Answers calls of any method, of one message each way, until Stop.
  void Run();
  // After the server was shut down.
  void Stop();

 private:
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_QUEUE_ECHO_H_
