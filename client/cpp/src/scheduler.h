#ifndef EVENTBUS_CLIENT_CPP_SRC_SCHEDULER_H_
#define EVENTBUS_CLIENT_CPP_SRC_SCHEDULER_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/time/time.h"

namespace eventbus::client {

// Scheduler runs short functions later, on a thread of its own. One per connection, owned by it.
// Any thread may call it, and destroy it, its own thread included; what has not run by then never
// does.
class Scheduler {
 public:
  Scheduler();
  ~Scheduler();

  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // There is no cancelling: let `run` hold a weak pointer to what it is about.
  void After(absl::Duration delay, std::function<void()> run);

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_SCHEDULER_H_
