#include "server/broker/member.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace eventbus {

Member::Member(const Context* context, SubscriptionId id, const OpenRequest& request,
               SubscriberSink* sink)
    : context_(context),
      id_(id),
      sink_(sink),
      tokens_(request.tokens),
      client_id_(request.client_id),
      peer_(request.peer),
      flow_(request.flow),
      batcher_(context->loop, request.batch, sink) {}

uint64_t Member::RoomEvents() const {
  if (in_flight_ >= flow_.max_in_flight) return 0;
  if (in_flight_ > 0 && in_flight_bytes_ >= flow_.max_in_flight_bytes) return 0;
  return flow_.max_in_flight - in_flight_;
}

uint64_t Member::RoomBytes() const {
  return in_flight_bytes_ >= flow_.max_in_flight_bytes
             ? 0
             : flow_.max_in_flight_bytes - in_flight_bytes_;
}

bool Member::HasRoom() const { return RoomEvents() > 0; }

uint32_t Member::Fitting(const EntryRun& run) const {
  const uint64_t fitting = std::min<uint64_t>({run.count, RoomEvents(), batcher_.SpaceInMessage()});
  const uint64_t room = RoomBytes();
  uint32_t count = static_cast<uint32_t>(fitting);
  while (count > 0 && run.entry->BytesOf(run.first, count) > room) --count;
  if (count == 0 && in_flight_ == 0 && fitting > 0) return 1;
  return count;
}

void Member::Take(GroupStream* stream, const std::shared_ptr<const std::string>& stream_name,
                  uint64_t generation, const EntryRun& run) {
  HeldEntry& entry = *run.entry;
  const uint64_t number = next_delivery_;
  next_delivery_ += run.count;
  in_flight_ += run.count;
  in_flight_bytes_ += entry.BytesOf(run.first, run.count);
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    Advance(DeliveryInput::kDeliver, &entry.events[i]);
  }
  entry.in_flight += run.count;
  entry.holders.push_back({this, number, run.first, run.count});
  leases_.emplace(number, Lease{stream, &entry, run.first, run.count, {}, run.count});

  DeliveryRun delivery;
  delivery.events = entry.FramesOf(run.first, run.count);
  delivery.count = run.count;
  delivery.first_delivery = tokens_ ? 0 : number;
  delivery.stream = stream_name;
  delivery.position = Position{entry.entry.id, run.first};
  delivery.attempt = entry.events[run.first].attempt();
  delivery.times_delivered = entry.events[run.first].times_delivered;
  delivery.generation = generation;
  context_->events->OnDelivered(run.count, delivery.events.size());
  batcher_.Add(std::move(delivery));
}

std::vector<Member::TakenRun> Member::TakeAway(DeliveryRange range) {
  std::vector<TakenRun> taken;
  if (range.first > range.last) return taken;
  auto place = leases_.upper_bound(range.first);
  if (place != leases_.begin()) --place;
  while (place != leases_.end() && place->first <= range.last) {
    Lease& lease = place->second;
    const uint64_t first = std::max(range.first, place->first);
    const uint64_t last = std::min(range.last, place->first + lease.count - 1);
    if (first <= last) {
      ClearLive(place->first, lease, static_cast<uint32_t>(first - place->first),
                static_cast<uint32_t>(last - first + 1), &taken);
    }
    place = lease.live_count == 0 ? leases_.erase(place) : std::next(place);
  }
  return taken;
}

void Member::ClearLive(uint64_t number, Lease& lease, uint32_t first, uint32_t count,
                       std::vector<TakenRun>* taken) {
  HeldEntry& entry = *lease.entry;
  const auto take = [&](uint32_t offset, uint32_t size) {
    taken->push_back({lease.stream, {&entry, lease.first + offset, size}, number + offset});
    in_flight_ -= size;
    in_flight_bytes_ -= entry.BytesOf(lease.first + offset, size);
    lease.live_count -= size;
    entry.in_flight -= size;
  };
  if (count == lease.count && lease.live.empty()) {
    take(0, count);
  } else {
    if (lease.live.empty()) lease.live.assign(lease.count, true);
    uint32_t i = first;
    while (i < first + count) {
      if (!lease.live[i]) {
        ++i;
        continue;
      }
      const uint32_t begin = i;
      while (i < first + count && lease.live[i]) lease.live[i++] = false;
      take(begin, i - begin);
    }
  }
  if (lease.live_count > 0) return;
  const auto holder =
      std::find_if(entry.holders.begin(), entry.holders.end(),
                   [this, number](const HeldEntry::Holder& candidate) {
                     return candidate.member == this && candidate.first_delivery == number;
                   });
  if (holder != entry.holders.end()) entry.holders.erase(holder);
}

}  // namespace eventbus
