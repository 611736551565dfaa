#ifndef EVENTBUS_SERVER_BROKER_GROUP_EXPIRY_H_
#define EVENTBUS_SERVER_BROKER_GROUP_EXPIRY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "server/broker/context.h"
#include "server/broker/group_remover.h"
#include "server/broker/lifetime.h"
#include "server/broker/registry.h"

namespace eventbus {

// GroupExpiry deletes groups that have an expiry once no instance has reported a subscriber of
// theirs for that long, on this instance's own clock. Which instance does it does not matter; a
// group that is opened meanwhile has another version and stays.
//
// Owned by the broker. Loop thread only.
class GroupExpiry {
 public:
  GroupExpiry(const Context* context, Registry* registry);

  // What this instance reports: the groups with an expiry among those that have subscribers here.
  std::string Report(const std::vector<std::string>& groups_in_use) const;
  // What all living instances report, this one included.
  void OnReports(const std::vector<std::string>& reports);

 private:
  void Delete(const KnownGroup& group);

  const Context* const context_;
  Registry* const registry_;
  GroupRemover remover_;
  struct Use {
    // When it was last seen in use, opened, or first seen.
    absl::Duration at;
    // Of its record then.
    uint64_t version = 0;
  };
  absl::flat_hash_map<std::string, Use> last_used_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_GROUP_EXPIRY_H_
