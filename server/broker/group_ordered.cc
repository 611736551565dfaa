// The part of Group for ordered groups: which of its streams this instance owns.
#include <algorithm>
#include <string>
#include <utility>

#include "server/broker/group.h"

namespace eventbus {
namespace {

// So that who has got one stream can say so before the next one goes.
constexpr absl::Duration kBetweenYields = absl::Seconds(1);

}  // namespace

bool Group::LeasesKnown() const {
  return std::all_of(streams_.begin(), streams_.end(), [](const auto& attached) {
    const GroupStream& stream = *attached.second->stream;
    return !stream.ordered() || stream.lease_known();
  });
}

uint64_t Group::StreamsOwned() const {
  return static_cast<uint64_t>(
      std::count_if(streams_.begin(), streams_.end(),
                    [](const auto& attached) { return attached.second->stream->owns(); }));
}

bool Group::StandsBy() const {
  const bool any = std::any_of(streams_.begin(), streams_.end(), [](const auto& attached) {
    return attached.second->stream->ordered();
  });
  return any && StreamsOwned() == 0;
}

void Group::TendLease(Attached& attached) {
  GroupStream& stream = *attached.stream;
  if (stream.forfeited()) {
    for (const auto& [id, member] : members_) {
      const std::vector<Member::TakenRun> taken = member->TakeAwayOf(&stream);
      if (taken.empty()) continue;
      member->SendAll();
      TellLost(*member, taken, LostReason::kTakenOver,
               "another instance owns the stream of the ordered group now");
    }
    attached.in_ready_queue = false;
    std::erase(ready_queue_, &attached);
    stream.DropAll();
  }
  if (!members_.empty() && !draining_) stream.TendLease();
  stream.TendYield();
}

void Group::CheckOwner(const std::string& stream, Attached& attached) {
  const std::string owner = attached.stream->lease_owner();
  if (owner.empty() || host_->IsAlive(owner)) {
    attached.suspects.clear();
    // It may have been given back, and nobody was told.
    attached.stream->NoteClaimable(kReleasedConsumer);
    if (owner.empty()) return;
    return context_->store->WishForLease(
        {stream, attached.stream->group(), owner, context_->incarnation, StreamsOwned()});
  }
  // One that has just started may not be known yet (CheckConsumers).
  const uint64_t since = attached.suspects.try_emplace(owner, host_->Looks()).first->second;
  if (host_->Looks() >= since + 2) attached.stream->NoteClaimable(owner);
}

void Group::OnLeaseWanted(const LeaseWish& wish) {
  const auto found = streams_.find(wish.stream);
  if (found == streams_.end() || !found->second->stream->owns()) {
    // Perhaps a server that has forgotten that it was given back.
    const bool asking = found != streams_.end() && found->second->stream->gathering();
    if (asking) return;
    return context_->store->ReleaseLease(wish.stream, wish.group, context_->incarnation,
                                         [](const absl::Status&) {});
  }
  const absl::Duration now = context_->loop->MonotonicNow();
  if (StreamsOwned() < wish.owned + 2 || now - last_yield_ < kBetweenYields) return;
  last_yield_ = now;
  found->second->stream->YieldLease();
}

}  // namespace eventbus
