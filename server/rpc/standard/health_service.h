#ifndef EVENTBUS_SERVER_RPC_STANDARD_HEALTH_SERVICE_H_
#define EVENTBUS_SERVER_RPC_STANDARD_HEALTH_SERVICE_H_

#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/call/call_router.h"

namespace eventbus {

// grpc.health.v1.Health. All services named are healthy together, and so is the server as a whole
// (""). Owned by RpcServer; must outlive the calls; any thread.
class HealthService {
 public:
  explicit HealthService(std::vector<std::string> services);
  ~HealthService();
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  void AddTo(CallRouter* router);

  // Not serving at first. Those who watch are told.
  void SetServing(bool serving) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the calls of those who watch, and of all who begin to from now on.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Watch;

  bool Knows(absl::string_view service) const { return services_.count(std::string(service)) > 0; }

  const std::set<std::string> services_;
  absl::Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<Watch*> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_RPC_STANDARD_HEALTH_SERVICE_H_
