#ifndef EVENTBUS_CLIENT_CPP_SRC_GROUP_NAMES_H_
#define EVENTBUS_CLIENT_CPP_SRC_GROUP_NAMES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace eventbus::client {

// OK if a service of this name can begin a group's name; else INVALID_ARGUMENT.
absl::Status CheckServiceName(absl::string_view service);

// Name of the durable group of a service for a set of patterns: `<service>/<patterns>`, the
// patterns sorted and joined by `:`, so that their order does not matter. A group's name cannot
// hold `+`, which is written `/1` there. INVALID_ARGUMENT if it gets longer than 255 bytes.
absl::StatusOr<std::string> DurableGroupName(absl::string_view service,
                                             std::vector<std::string> patterns);

// The durable groups that one connection is subscribed to, so that a second subscription to the
// same one is noticed. Any thread.
class GroupNames {
 public:
  // ALREADY_EXISTS if it is taken.
  absl::Status Take(const std::string& group);
  void Leave(const std::string& group);

 private:
  absl::Mutex mutex_;
  std::set<std::string> taken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eventbus::client

#endif  // EVENTBUS_CLIENT_CPP_SRC_GROUP_NAMES_H_
