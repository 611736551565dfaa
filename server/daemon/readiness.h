#ifndef EVENTBUS_SERVER_DAEMON_READINESS_H_
#define EVENTBUS_SERVER_DAEMON_READINESS_H_

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace eventbus {

// Whether the daemon can do its work, for those who ask from other threads than the loop. Any
// thread.
class Readiness {
 public:
  absl::Status Get() const ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    return status_;
  }
  void Set(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    status_ = std::move(status);
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("starting");
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_DAEMON_READINESS_H_
