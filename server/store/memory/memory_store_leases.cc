// MemoryStore: who owns the streams of ordered groups.
#include "absl/strings/str_cat.h"
#include "server/store/memory/memory_store.h"

namespace eventbus {

absl::StatusOr<LeaseResult> MemoryStore::AcquireLease(const LeaseRequest& request) {
  const absl::StatusOr<Stream*> stream = FindStream(request.stream);
  if (!stream.ok()) return stream.status();
  LeaseResult& lease = leases_[{request.stream, request.group}];
  const bool free =
      lease.owner.empty() || lease.owner == request.owner || lease.owner == request.gone;
  if (!free) return lease;
  ++lease.fence;
  lease.owner = request.owner;
  return lease;
}

absl::Status MemoryStore::ReleaseLease(PeerId from, const std::string& stream,
                                       const GroupKey& group, const std::string& owner) {
  const auto found = leases_.find({stream, group.name});
  if (found == leases_.end() || found->second.owner != owner) return absl::OkStatus();
  found->second.owner.clear();
  for (const auto& [id, peer] : peers_) {
    if (id != from) peer->OnEntriesReleased(stream, group);
  }
  return absl::OkStatus();
}

void MemoryStore::WishForLease(PeerId from, const LeaseWish& wish) {
  for (const auto& [id, peer] : peers_) {
    if (id != from) peer->OnLeaseWanted(wish);
  }
}

absl::Status MemoryStore::CheckFence(const std::string& stream, const GroupKey& group,
                                     absl::string_view owner, uint64_t fence) const {
  if (fence == 0) return absl::OkStatus();
  const auto found = leases_.find({stream, group.name});
  if (found != leases_.end() && found->second.owner == owner && found->second.fence == fence) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("another instance owns the stream ", stream, " of group ", group.name));
}

}  // namespace eventbus
