#include "server/store/memory/memory_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

template <typename Record>
std::vector<Record> Values(const absl::btree_map<std::string, Record>& records) {
  std::vector<Record> values;
  values.reserve(records.size());
  for (const auto& [name, record] : records) values.push_back(record);
  return values;
}

}  // namespace

absl::StatusOr<TypeRegistration> MemoryRegistry::RegisterType(const std::string& stream,
                                                              uint64_t max_types, absl::Time now) {
  TypeRegistration registration;
  auto found = types_.find(stream);
  if (found == types_.end()) {
    if (types_.size() >= max_types) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", types_.size(), " types already, the limit is ", max_types));
    }
    found = types_.emplace(stream, TypeRecord{stream, ++last_stamp_, now}).first;
    registration.created = true;
  }
  registration.type = found->second;
  registration.groups = ListGroups();
  return registration;
}

std::vector<TypeRecord> MemoryRegistry::ListTypes() const { return Values(types_); }

absl::StatusOr<GroupRegistration> MemoryRegistry::RegisterGroup(const std::string& name,
                                                                std::string definition,
                                                                uint64_t max_groups) {
  GroupRegistration registration;
  auto found = groups_.find(name);
  if (found == groups_.end()) {
    if (groups_.size() >= max_groups) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", groups_.size(), " groups already, the limit is ", max_groups));
    }
    GroupRecord record;
    record.name = name;
    record.stamp = ++last_stamp_;
    record.version = 1;
    record.definition = std::move(definition);
    found = groups_.emplace(name, std::move(record)).first;
    registration.created = true;
  }
  registration.group = found->second;
  registration.types = ListTypes();
  return registration;
}

absl::StatusOr<GroupRecord*> MemoryRegistry::FindAtVersion(absl::string_view name,
                                                           uint64_t version) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no group \"", name, "\""));
  }
  if (found->second.version != version) {
    return absl::AbortedError(absl::StrCat("the group \"", name, "\" is at version ",
                                           found->second.version, ", not ", version));
  }
  return &found->second;
}

absl::StatusOr<GroupRecord> MemoryRegistry::UpdateGroup(GroupRecord changed,
                                                        uint64_t expected_version) {
  absl::StatusOr<GroupRecord*> record = FindAtVersion(changed.name, expected_version);
  if (!record.ok()) return record.status();
  (*record)->generation = changed.generation;
  (*record)->definition = std::move(changed.definition);
  ++(*record)->version;
  return **record;
}

absl::Status MemoryRegistry::UnregisterGroup(const std::string& name, uint64_t expected_version) {
  const absl::StatusOr<GroupRecord*> record = FindAtVersion(name, expected_version);
  if (!record.ok()) return record.status();
  groups_.erase(name);
  return absl::OkStatus();
}

std::vector<GroupRecord> MemoryRegistry::ListGroups() const { return Values(groups_); }

std::vector<InstanceRecord> MemoryRegistry::Heartbeat(const HeartbeatRequest& request) {
  InstanceRecord& record = instances_[request.incarnation];
  record.incarnation = request.incarnation;
  record.report = request.report;
  ++record.counter;
  return Values(instances_);
}

void MemoryRegistry::Leave(absl::string_view incarnation) {
  const auto found = instances_.find(incarnation);
  if (found != instances_.end()) found->second.left = true;
}

void MemoryRegistry::ForgetInstance(absl::string_view incarnation) {
  const auto found = instances_.find(incarnation);
  if (found != instances_.end()) instances_.erase(found);
  const auto stats = stats_.find(incarnation);
  if (stats != stats_.end()) stats_.erase(stats);
}

void MemoryRegistry::PutStats(InstanceStats stats) {
  const std::string incarnation = stats.incarnation;
  stats_.insert_or_assign(incarnation, std::move(stats));
}

std::vector<InstanceStats> MemoryRegistry::ListStats() const { return Values(stats_); }

}  // namespace eventbus
