// MemoryStore: what operators ask.
#include <string>
#include <vector>

#include "server/store/memory/memory_store.h"

namespace eventbus {

absl::StatusOr<GroupInfo> MemoryStore::GetGroupInfo(const GroupInfoRequest& request) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(request.stream, request.group);
  if (!found.ok()) return found.status();
  const MemoryGroup& group = *found->group;
  GroupInfo info;
  info.last_read = group.cursor();
  info.unread_events = found->log->EventsAfter(group.cursor());
  if (info.unread_events > 0) info.first_unread = found->log->FirstAfter(group.cursor());
  for (const PendingEntry& pending : group.ListPending("", EntryId::Min(), UINT32_MAX)) {
    if (info.pending_entries++ == 0) info.first_pending = pending.id;
    if (request.count_pending) info.pending_events += found->log->EventsOf(pending.id);
  }
  info.lost_events = found->log->LostBy(request.group.name);
  return info;
}

absl::StatusOr<std::vector<EntryState>> MemoryStore::ListStates(const std::string& stream,
                                                                const GroupKey& group,
                                                                uint32_t max_states) {
  const absl::StatusOr<GroupOnStream> found = FindGroup(stream, group);
  if (!found.ok()) return found.status();
  std::vector<EntryState> states;
  for (const PendingEntry& pending : found->group->ListPending("", EntryId::Min(), UINT32_MAX)) {
    if (states.size() >= max_states) break;
    const std::string& record = found->group->FindPending(pending.id)->record;
    if (!record.empty()) states.push_back({pending.id, record});
  }
  return states;
}

void MemoryStore::RemoveGroup(const std::string& stream, const std::string& group,
                              uint64_t up_to_generation) {
  const absl::StatusOr<Stream*> found = FindStream(stream);
  if (found.ok() && !(*found)->log.RemoveGroup(group, up_to_generation)) return;
  leases_.erase({stream, group});
  DropLetters(stream, group);
}

void MemoryStore::UnregisterType(const std::string& stream) {
  if (registry_.UnregisterType(stream)) TellRegistryChanged();
}

void MemoryStore::DeleteStream(const std::string& stream, const std::vector<std::string>& groups) {
  EraseStream(stream);
  for (const std::string& group : groups) {
    DropLetters(stream, group);
    leases_.erase({stream, group});
  }
}

void MemoryStore::EraseStream(const std::string& name) {
  const auto found = streams_.find(name);
  if (found == streams_.end()) return;
  Stream& stream = *found->second;
  RemoveOldest(stream, stream.log.entries().size());
  const DelayedInfo before = stream.delayed.Info();
  const uint64_t charge_before = stream.delayed.charge();
  stream.delayed = {};
  NoteDelayed(stream, before, charge_before);
  streams_.erase(found);
}

}  // namespace eventbus
