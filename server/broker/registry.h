#ifndef EVENTBUS_SERVER_BROKER_REGISTRY_H_
#define EVENTBUS_SERVER_BROKER_REGISTRY_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/broker/context.h"
#include "server/broker/group_definition.h"
#include "server/broker/lifetime.h"
#include "server/broker/pattern.h"

namespace eventbus {

// A group as the registry has it, understood.
struct KnownGroup {
  GroupRecord record;
  GroupDefinition definition;
  PatternSet patterns;

  // Where it begins, or has been sought to, on a stream that it has.
  StreamStart StartOn(const TypeRecord& type) const {
    const uint64_t stamp = definition.start_stamp > 0 ? definition.start_stamp : record.stamp;
    if (type.stamp > stamp) return {EntryId::Min(), {}};
    return StartIn(definition.start, type.stream);
  }
  // Where it has not been sought apart. Ephemeral groups come and go under the same names: what is
  // left of an earlier one, and is still being removed, must not be taken for this one's. So theirs
  // begin with a number that no other one gets, with room for the generations that seeks make.
  uint64_t generation() const {
    constexpr int kSeeksBits = 16;
    return definition.ephemeral ? std::max(record.generation, record.stamp << kSeeksBits)
                                : record.generation;
  }
  // Its key on a stream that it has.
  GroupKey KeyOn(const std::string& stream) const {
    const auto own = definition.generations.find(stream);
    return {record.name, own == definition.generations.end() ? generation() : own->second};
  }
  // No key of it has a higher one.
  uint64_t LastGeneration() const { return std::max(generation(), definition.last_generation); }
};

// Hears what is new in the registry.
class RegistryListener {
 public:
  virtual ~RegistryListener() = default;
  virtual void OnTypeKnown(const TypeRecord& type) = 0;
  virtual void OnTypeGone(const std::string& stream) = 0;
  // New, or changed.
  virtual void OnGroupKnown(const KnownGroup& group) = 0;
  virtual void OnGroupGone(const std::string& name) = 0;
};

// Registry is this instance's copy of what types and groups exist. It follows the store's:
// everything this instance learns is noted at once, what others do arrives with the store's
// signals.
//
// Owned by the broker. Loop thread only.
class Registry {
 public:
  // All must outlive it.
  Registry(const Context* context, RegistryListener* listener);

  // Reads everything again. Calls that come while it runs lead to one more run.
  void Refresh();
  // Reads everything again, and answers when all that was there at the time of the call is known;
  // or with the error that the store gave.
  void Renew(absl::AnyInvocable<void(absl::Status)> done);
  // Runs `done` after the first complete refresh, at once if that has been.
  void WhenReady(absl::AnyInvocable<void()> done);
  bool ready() const { return ready_; }

  bool HasType(absl::string_view stream) const { return types_.contains(stream); }
  // Null if there is none.
  const KnownGroup* FindGroup(absl::string_view name) const;
  const absl::btree_map<std::string, TypeRecord>& types() const { return types_; }
  const absl::btree_map<std::string, KnownGroup>& groups() const { return groups_; }

  // Whether all types that were born before the store gave this stamp are known. A group's types
  // may become known after the group; to be open, it has to be on all that are older than itself.
  bool KnowsTypesBefore(uint64_t stamp) const { return stamp <= types_known_before_; }

  // What the store has answered to calls of this instance.
  void NoteType(const TypeRecord& type);
  // All types there were when `stamp` had been given already.
  void NoteTypes(const std::vector<TypeRecord>& types, uint64_t stamp);
  void NoteTypeGone(const std::string& stream);
  void NoteGroup(const GroupRecord& record);
  void NoteGroupGone(const std::string& name);

 private:
  void OnGroups(absl::StatusOr<std::vector<GroupRecord>> groups);
  void OnTypes(uint64_t stamp, const absl::StatusOr<std::vector<TypeRecord>>& types);
  void RefreshEnded(const absl::Status& status);

  const Context* const context_;
  RegistryListener* const listener_;
  absl::btree_map<std::string, TypeRecord> types_;
  uint64_t types_known_before_ = 0;
  absl::btree_map<std::string, KnownGroup> groups_;
  // Types and groups noted while a refresh is under way: its answer may be older than they are.
  absl::flat_hash_set<std::string> noted_types_;
  absl::flat_hash_set<std::string> noted_groups_;
  bool refreshing_ = false;
  bool again_ = false;
  bool ready_ = false;
  std::vector<absl::AnyInvocable<void()>> when_ready_;
  // Who waits for the refresh under way, and who for the next one.
  std::vector<absl::AnyInvocable<void(absl::Status)>> renewing_;
  std::vector<absl::AnyInvocable<void(absl::Status)>> renewing_next_;
  std::unique_ptr<Timer> retry_timer_;
  Lifetime lifetime_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_REGISTRY_H_
