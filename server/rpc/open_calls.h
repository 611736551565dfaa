#ifndef EVENTBUS_SERVER_RPC_OPEN_CALLS_H_
#define EVENTBUS_SERVER_RPC_OPEN_CALLS_H_

#include <memory>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace eventbus {

// A call that lasts until somebody ends it, and so has to be told that the server stops.
class DrainableCall {
 public:
  virtual ~DrainableCall() = default;
  // Any thread. Ends the call as soon as what it has begun is answered; calls that the broker ends
  // by itself do nothing.
  virtual void Drain() = 0;
};

// The calls that are open. Owned by RpcServer; any thread.
class OpenCalls {
 public:
  // From now on `call` is told when the server drains, at once if it does already.
  void Add(const std::shared_ptr<DrainableCall>& call) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(const DrainableCall* call) ABSL_LOCKS_EXCLUDED(mutex_);
  void DrainAll() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::unordered_map<const DrainableCall*, std::weak_ptr<DrainableCall>> calls_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_OPEN_CALLS_H_
