#ifndef EVENTBUS_SERVER_STORE_MEMORY_MEMORY_REGISTRY_H_
#define EVENTBUS_SERVER_STORE_MEMORY_MEMORY_REGISTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/stream_store.h"

namespace eventbus {

// MemoryRegistry is what exists: types and groups, stamped in the order of their birth, and the
// instances. The calls are those of StreamStore, done at once. Owned by MemoryStore; one thread.
class MemoryRegistry {
 public:
  absl::StatusOr<TypeRegistration> RegisterType(const std::string& stream, uint64_t max_types,
                                                absl::Time now);
  // Whether it existed.
  bool UnregisterType(const std::string& stream) { return types_.erase(stream) > 0; }
  std::vector<TypeRecord> ListTypes() const;

  absl::StatusOr<GroupRegistration> RegisterGroup(const std::string& name, std::string definition,
                                                  uint64_t max_groups);
  absl::StatusOr<GroupRecord> UpdateGroup(GroupRecord changed, uint64_t expected_version);
  absl::Status UnregisterGroup(const std::string& name, uint64_t expected_version);
  std::vector<GroupRecord> ListGroups() const;

  std::vector<InstanceRecord> Heartbeat(const HeartbeatRequest& request);
  // An incarnation that is not known stays so.
  void Leave(absl::string_view incarnation);
  void ForgetInstance(absl::string_view incarnation);

  void PutStats(InstanceStats stats);
  std::vector<InstanceStats> ListStats() const;

 private:
  // The record, if there is one at this version.
  absl::StatusOr<GroupRecord*> FindAtVersion(absl::string_view name, uint64_t version);

  uint64_t last_stamp_ = 0;
  // By name, so that lists have one order.
  absl::btree_map<std::string, TypeRecord> types_;
  absl::btree_map<std::string, GroupRecord> groups_;
  absl::btree_map<std::string, InstanceRecord> instances_;
  absl::btree_map<std::string, InstanceStats> stats_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_STORE_MEMORY_MEMORY_REGISTRY_H_
