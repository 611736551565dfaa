// MemoryStoreConnection: what operators ask.
#include <utility>

#include "server/store/memory/memory_store_connection.h"

namespace eventbus {

void MemoryStoreConnection::GetGroupInfo(GroupInfoRequest request, Callback<GroupInfo> done) {
  Call([request = std::move(request)](MemoryStore& store,
                                      MemoryStore::PeerId) { return store.GetGroupInfo(request); },
       std::move(done));
}

void MemoryStoreConnection::ListStates(std::string stream, GroupKey group, uint32_t max_states,
                                       Callback<std::vector<EntryState>> done) {
  Call([stream = std::move(stream), group = std::move(group), max_states](
           MemoryStore& store,
           MemoryStore::PeerId) { return store.ListStates(stream, group, max_states); },
       std::move(done));
}

void MemoryStoreConnection::RemoveGroup(std::string stream, std::string group,
                                        uint64_t up_to_generation, StatusCallback done) {
  Call(
      [stream = std::move(stream), group = std::move(group), up_to_generation](
          MemoryStore& store, MemoryStore::PeerId) {
        store.RemoveGroup(stream, group, up_to_generation);
        return absl::OkStatus();
      },
      std::move(done));
}

void MemoryStoreConnection::UnregisterType(std::string stream, StatusCallback done) {
  Call(
      [stream = std::move(stream)](MemoryStore& store, MemoryStore::PeerId) {
        store.UnregisterType(stream);
        return absl::OkStatus();
      },
      std::move(done));
}

void MemoryStoreConnection::DeleteStream(std::string stream, std::vector<std::string> groups,
                                         StatusCallback done) {
  Call(
      [stream = std::move(stream), groups = std::move(groups)](MemoryStore& store,
                                                               MemoryStore::PeerId) {
        store.DeleteStream(stream, groups);
        return absl::OkStatus();
      },
      std::move(done));
}

void MemoryStoreConnection::PutStats(InstanceStats stats, StatusCallback done) {
  Call(
      [stats = std::move(stats)](MemoryStore& store, MemoryStore::PeerId) mutable {
        store.registry().PutStats(std::move(stats));
        return absl::OkStatus();
      },
      std::move(done));
}

void MemoryStoreConnection::ListStats(Callback<std::vector<InstanceStats>> done) {
  Call(
      [](MemoryStore& store, MemoryStore::PeerId) {
        return absl::StatusOr<std::vector<InstanceStats>>(store.registry().ListStats());
      },
      std::move(done));
}

}  // namespace eventbus
