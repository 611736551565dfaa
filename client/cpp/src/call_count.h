#ifndef EVENTBUS_CLIENT_CPP_SRC_CALL_COUNT_H_
#define EVENTBUS_CLIENT_CPP_SRC_CALL_COUNT_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace eventbus::client {

// How many calls of one owner still exist, so that its destructor can wait for the last one. Shared
// by the owner and its calls. Any thread.
class CallCount {
 public:
  void Add() {
    absl::MutexLock lock(&mutex_);
    ++count_;
  }
  void Remove() {
    absl::MutexLock lock(&mutex_);
    --count_;
  }
  void WaitForNone(absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ == 0; };
    mutex_.AwaitWithTimeout(absl::Condition(&none), timeout);
  }

 private:
  absl::Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_CALL_COUNT_H_
