#include "server/broker/member.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/delivery_ranges.h"
#include "server/broker/group_stream.h"

namespace eventbus {
namespace {

// Runs of deliveries, lost by their deadlines, whose late settlements are understood.
constexpr size_t kMaxRemembered = 10'000;

}  // namespace

Member::Member(const Context* context, SubscriptionId id, const OpenRequest& request,
               SubscriberSink* sink)
    : context_(context),
      id_(id),
      sink_(sink),
      tokens_(request.tokens),
      one_shot_(request.one_shot),
      client_id_(request.client_id),
      peer_(request.peer),
      client_properties_(request.client_properties),
      meter_(context->loop),
      flow_(request.flow),
      batch_delay_(request.batch.size > 0 ? request.batch.timeout : absl::ZeroDuration()),
      batcher_(context->loop, request.batch, sink) {}

SubscriberStats Member::Stats() const {
  SubscriberStats stats;
  stats.subscription_id = absl::StrCat(context_->incarnation, "/", id_);
  stats.instance_id = context_->incarnation;
  stats.client_id = client_id_;
  stats.client_properties = client_properties_;
  stats.peer = peer_;
  stats.receive = tokens_;
  stats.flow = flow_;
  stats.in_flight = in_flight_;
  stats.in_flight_bytes = in_flight_bytes_;
  meter_.WriteTo(context_->StoreNow(), &stats);
  return stats;
}

std::optional<absl::Duration> Member::DeadlineOf(uint64_t number) const {
  auto lease = leases_.upper_bound(number);
  if (lease == leases_.begin()) return std::nullopt;
  --lease;
  const uint64_t place = number - lease->first;
  if (place >= lease->second.count) return std::nullopt;
  const std::vector<bool>& live = lease->second.live;
  if (!live.empty() && !live[place]) return std::nullopt;
  return lease->second.deadline;
}

uint64_t Member::RoomEvents() const {
  if (in_flight_ >= flow_.max_in_flight || spent()) return 0;
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

void Member::Take(GroupStream* stream, const EntryRun& run, absl::Duration deadline) {
  HeldEntry& entry = *run.entry;
  const uint64_t number = next_delivery_;
  next_delivery_ += run.count;
  in_flight_ += run.count;
  in_flight_bytes_ += entry.BytesOf(run.first, run.count);
  for (uint32_t i = run.first; i < run.first + run.count; ++i) {
    Advance(DeliveryInput::kDeliver, &entry.events[i]);
  }
  entry.in_flight += run.count;
  if (entry.first_delivered_ms == 0) {
    entry.first_delivered_ms =
        static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(context_->StoreNow()), 1));
  }
  entry.holders.push_back({this, number, run.first, run.count});
  leases_.emplace(
      number, Lease{stream, &entry, run.first, run.count, {}, run.count, deadline + batch_delay_});

  DeliveryRun delivery;
  delivery.events = entry.FramesOf(run.first, run.count);
  delivery.count = run.count;
  delivery.first_delivery = tokens_ ? 0 : number;
  delivery.stream = stream->origin();
  delivery.position = Position{entry.entry.id, run.first};
  delivery.attempt = entry.events[run.first].attempt();
  delivery.times_delivered = entry.events[run.first].times_delivered;
  const Reasons* reasons = entry.ReasonsOf(run.first);
  if (reasons != nullptr) delivery.last_reason = reasons->back();
  delivery.generation = stream->group().generation;
  if (entry.redriven != nullptr) {
    delivery.redriven = true;
    delivery.held_in = stream->shared_stream();
    delivery.held_at = delivery.position;
    delivery.position = entry.redriven->position;
  }
  meter_.Delivered(run.count);
  context_->meter->delivered.Add(context_->loop->MonotonicNow(), run.count);
  context_->events->OnDelivered(run.count, delivery.events.size());
  batcher_.Add(std::move(delivery));
}

Member::Leases::iterator Member::Erase(Leases::iterator lease) {
  if (lease->second.extended) extended_.erase({lease->second.deadline, lease->first});
  return leases_.erase(lease);
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
    place = lease.live_count == 0 ? Erase(place) : std::next(place);
  }
  return taken;
}

std::vector<Member::TakenRun> Member::TakeAwayOf(const GroupStream* stream) {
  std::vector<TakenRun> taken;
  for (auto place = leases_.begin(); place != leases_.end();) {
    if (place->second.stream != stream) {
      ++place;
      continue;
    }
    ClearLive(place->first, place->second, 0, place->second.count, &taken);
    place = Erase(place);
  }
  for (auto lost = lost_.begin(); lost != lost_.end();) {
    lost = lost->second.stream == stream ? lost_.erase(lost) : std::next(lost);
  }
  return taken;
}

// ---- Deadlines ----

void Member::KeepDeadlines() {
  for (auto& [number, lease] : leases_) {
    if (!std::exchange(lease.extended, true)) extended_.emplace(lease.deadline, number);
  }
}

void Member::HoldUntil(absl::Duration deadline) {
  for (auto& [number, lease] : leases_) {
    if (lease.deadline < deadline) SetDeadline(number, lease, deadline);
  }
}

void Member::Rewind(uint64_t last_delivery) {
  next_delivery_ = last_delivery + 1;
  lost_.erase(lost_.lower_bound(next_delivery_), lost_.end());
  if (lost_.empty()) return;
  auto& [number, last] = *lost_.rbegin();
  last.count = static_cast<uint32_t>(std::min<uint64_t>(last.count, next_delivery_ - number));
}

std::vector<Member::TakenRun> Member::TakeExpired(absl::Duration now, absl::Duration renewed) {
  std::vector<uint64_t> expired;
  for (const auto& [number, lease] : leases_) {
    if (lease.extended) continue;
    if (lease.deadline > now) break;
    expired.push_back(number);
  }
  for (const auto& [deadline, number] : extended_) {
    if (deadline > now) break;
    expired.push_back(number);
  }
  std::sort(expired.begin(), expired.end());
  std::vector<TakenRun> taken;
  const uint64_t handed_over = last_delivery() - batcher_.events();
  for (const uint64_t number : expired) {
    const auto lease = leases_.find(number);
    if (number > handed_over) {
      SetDeadline(number, lease->second, renewed + batch_delay_);
      continue;
    }
    ClearLive(number, lease->second, 0, lease->second.count, &taken);
    Erase(lease);
  }
  return taken;
}

absl::Duration Member::NextDeadline() const {
  absl::Duration next = absl::InfiniteDuration();
  if (!extended_.empty()) next = extended_.begin()->first;
  for (const auto& [number, lease] : leases_) {
    if (lease.extended) continue;
    next = std::min(next, lease.deadline);
    break;
  }
  return next;
}

std::vector<DeliveryRange> Member::Extend(DeliveryRange range, absl::Duration deadline) {
  std::vector<DeliveryRange> extended;
  if (range.first > range.last) return extended;
  SplitAt(range.first);
  if (range.last != std::numeric_limits<uint64_t>::max()) SplitAt(range.last + 1);
  for (auto place = leases_.lower_bound(range.first);
       place != leases_.end() && place->first <= range.last; ++place) {
    const uint64_t number = place->first;
    Lease& lease = place->second;
    SetDeadline(number, lease, deadline);
    for (uint32_t i = 0; i < lease.count; ++i) {
      if (lease.live.empty() || lease.live[i]) AppendRange({number + i, number + i}, &extended);
    }
  }
  return extended;
}

void Member::SetDeadline(uint64_t number, Lease& lease, absl::Duration deadline) {
  if (lease.extended) extended_.erase({lease.deadline, number});
  lease.extended = true;
  lease.deadline = deadline;
  extended_.emplace(deadline, number);
}

void Member::SplitAt(uint64_t number) {
  auto place = leases_.lower_bound(number);
  if (place == leases_.begin() || (place != leases_.end() && place->first == number)) return;
  --place;
  Lease& front = place->second;
  const uint64_t keep = number - place->first;
  if (keep >= front.count) return;
  Lease back = front;
  const auto kept = static_cast<uint32_t>(keep);
  back.first += kept;
  back.count -= kept;
  front.count = kept;
  if (!front.live.empty()) {
    back.live.assign(front.live.begin() + kept, front.live.end());
    front.live.resize(kept);
    front.live_count =
        static_cast<uint32_t>(std::count(front.live.begin(), front.live.end(), true));
    back.live_count = static_cast<uint32_t>(std::count(back.live.begin(), back.live.end(), true));
  } else {
    front.live_count = front.count;
    back.live_count = back.count;
  }
  HeldEntry& entry = *front.entry;
  for (HeldEntry::Holder& holder : entry.holders) {
    if (holder.member == this && holder.first_delivery == place->first) holder.count = front.count;
  }
  if (back.live_count > 0) {
    entry.holders.push_back({this, number, back.first, back.count});
    if (back.extended) extended_.emplace(back.deadline, number);
    leases_.emplace(number, std::move(back));
  }
  // The insertion may have moved it.
  place = leases_.find(number - keep);
  if (place->second.live_count > 0) return;
  ForgetHolder(entry, place->first);
  Erase(place);
}

void Member::RememberLost(const TakenRun& run) {
  lost_[run.first_delivery] = {run.stream, run.run.entry->entry.id, run.run.first, run.run.count};
  if (lost_.size() > kMaxRemembered) lost_.erase(lost_.begin());
}

std::vector<uint64_t> Member::LostIn(DeliveryRange range) const {
  std::vector<uint64_t> numbers;
  auto place = lost_.upper_bound(range.first);
  if (place != lost_.begin()) --place;
  for (; place != lost_.end() && place->first <= range.last; ++place) {
    for (uint64_t number = std::max(place->first, range.first);
         number < place->first + place->second.count && number <= range.last; ++number) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

std::optional<Member::PastLease> Member::FindLost(uint64_t number) const {
  auto place = lost_.upper_bound(number);
  if (place == lost_.begin()) return std::nullopt;
  --place;
  const Lost& lost = place->second;
  if (number - place->first >= lost.count) return std::nullopt;
  return PastLease{lost.stream, lost.entry,
                   lost.first + static_cast<uint32_t>(number - place->first)};
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
  if (lease.live_count == 0) ForgetHolder(entry, number);
}

void Member::ForgetHolder(HeldEntry& entry, uint64_t number) const {
  const auto holder =
      std::find_if(entry.holders.begin(), entry.holders.end(),
                   [this, number](const HeldEntry::Holder& candidate) {
                     return candidate.member == this && candidate.first_delivery == number;
                   });
  if (holder != entry.holders.end()) entry.holders.erase(holder);
}

}  // namespace eventbus
