#include "server/store/memory/memory_stream.h"

#include <algorithm>
#include <utility>

namespace eventbus {

EntryId MemoryStream::Append(StoredEntry entry, absl::Time now) {
  const int64_t now_ms = std::max<int64_t>(absl::ToUnixMillis(now), 0);
  const EntryId at_now{static_cast<uint64_t>(now_ms), 0};
  entry.id = at_now.ms > last_.ms ? at_now : last_.Next();
  last_ = entry.id;
  events_ += entry.event_count;
  bytes_ += entry.value.size();
  entries_.push_back(std::move(entry));
  return last_;
}

MemoryStream::Iterator MemoryStream::LowerBound(EntryId id) const {
  return std::lower_bound(entries_.begin(), entries_.end(), id,
                          [](const StoredEntry& entry, EntryId other) { return entry.id < other; });
}

std::vector<Entry> MemoryStream::ReadRange(const ReadRangeRequest& request) const {
  std::vector<Entry> found;
  if (request.from > request.to) return found;
  uint64_t bytes = 0;
  // False: the entry has no room any more.
  const auto take = [&](const StoredEntry& entry) {
    if (found.size() >= request.max_entries) return false;
    bytes += entry.value.size();
    if (!found.empty() && request.max_bytes > 0 && bytes > request.max_bytes) return false;
    found.push_back({entry.id, entry.value, entry.note, entry.expires_ms});
    return true;
  };
  const Iterator begin = LowerBound(request.from);
  if (!request.newest_first) {
    for (Iterator it = begin; it != entries_.end() && it->id <= request.to && take(*it);) ++it;
    return found;
  }
  Iterator it = request.to == EntryId::Max() ? entries_.end() : LowerBound(request.to.Next());
  while (it != begin && take(*std::prev(it))) --it;
  return found;
}

StreamInfo MemoryStream::Info(absl::Time now) const {
  StreamInfo info;
  info.entries = entries_.size();
  info.events = events_;
  info.bytes = bytes_;
  info.first = entries_.empty() ? last_.Next() : entries_.front().id;
  info.last = last_;
  info.store_time = now;
  return info;
}

EntryId MemoryStream::SettledBelow(const std::vector<GroupKey>& groups) const {
  if (groups.empty()) return EntryId::Min();
  EntryId below = EntryId::Max();
  for (const GroupKey& key : groups) {
    const auto group = groups_.find(key);
    if (group == groups_.end()) return EntryId::Min();
    below = std::min(below, group->second->LowestUnsettled());
  }
  return below;
}

size_t MemoryStream::CountToTrim(const TrimRequest& request) const {
  const EntryId kept = std::max(request.min_id, SettledBelow(request.settled_by));
  const auto count = static_cast<size_t>(LowerBound(kept) - entries_.begin());
  const uint64_t max_events = request.max_events > 0 ? request.max_events : events_;
  const uint64_t max_bytes = request.max_bytes > 0 ? request.max_bytes : bytes_;
  uint64_t events = events_;
  uint64_t bytes = bytes_;
  size_t too_many = 0;
  while (events > max_events || bytes > max_bytes) {
    const StoredEntry& entry = entries_[too_many++];
    events -= entry.event_count;
    bytes -= entry.value.size();
  }
  return std::max(count, too_many);
}

TrimResult MemoryStream::CountOldest(size_t count) const {
  TrimResult counted;
  counted.losses = CountLosses(count);
  counted.entries = count;
  for (size_t i = 0; i < count; ++i) {
    counted.events += entries_[i].event_count;
    counted.bytes += entries_[i].value.size();
  }
  return counted;
}

TrimResult MemoryStream::RemoveOldest(size_t count, size_t* charge) {
  TrimResult removed = CountOldest(count);
  for (const GroupLoss& loss : removed.losses) lost_events_[loss.group.name] += loss.events;
  for (; count > 0; --count) {
    *charge += entries_.front().charge;
    entries_.pop_front();
  }
  events_ -= removed.events;
  bytes_ -= removed.bytes;
  return removed;
}

std::vector<GroupLoss> MemoryStream::CountLosses(size_t count) const {
  std::vector<GroupLoss> losses;
  for (const auto& [key, group] : groups_) {
    uint64_t lost = 0;
    for (size_t i = 0; i < count; ++i) {
      const StoredEntry& entry = entries_[i];
      if (entry.id > group->cursor() || group->IsPending(entry.id)) lost += entry.event_count;
    }
    if (lost > 0) losses.push_back({key, lost});
  }
  return losses;
}

void MemoryStream::CreateGroup(const GroupKey& key, std::optional<EntryId> after) {
  auto& group = groups_[key];
  if (group == nullptr) group = std::make_unique<MemoryGroup>(after.value_or(last_));
}

MemoryGroup* MemoryStream::FindGroup(const GroupKey& key) {
  const auto found = groups_.find(key);
  return found == groups_.end() ? nullptr : found->second.get();
}

bool MemoryStream::RemoveGroup(absl::string_view name, uint64_t up_to_generation) {
  bool later = false;
  absl::erase_if(groups_, [&](const auto& group) {
    if (group.first.name != name) return false;
    later = later || group.first.generation > up_to_generation;
    return group.first.generation <= up_to_generation;
  });
  if (!later) lost_events_.erase(name);
  return !later;
}

EntryId MemoryStream::FirstAfter(EntryId id) const {
  const Iterator found = LowerBound(id.Next());
  return found == entries_.end() ? EntryId::Max() : found->id;
}

uint64_t MemoryStream::EventsOf(EntryId id) const {
  const Iterator found = LowerBound(id);
  return found == entries_.end() || found->id != id ? 0 : found->event_count;
}

uint64_t MemoryStream::LostBy(absl::string_view group) const {
  const auto found = lost_events_.find(group);
  return found == lost_events_.end() ? 0 : found->second;
}

uint64_t MemoryStream::EventsAfter(EntryId id) const {
  uint64_t events = 0;
  for (auto it = LowerBound(id); it != entries_.end(); ++it) {
    if (it->id > id) events += it->event_count;
  }
  return events;
}

ReadGroupResult MemoryStream::ReadGroup(MemoryGroup& group, const ReadGroupRequest& request) const {
  ReadGroupResult result;
  MemoryGroup::PendingList& consumer = group.Consumer(request.consumer);
  for (auto it = LowerBound(group.cursor().Next());
       it != entries_.end() && result.entries.size() < request.max_entries; ++it) {
    // Only a cursor at the end of all ids can be here: nothing comes after it.
    if (it->id <= group.cursor()) break;
    group.Deliver(consumer, it->id);
    result.entries.push_back({it->id, it->value, it->note, it->expires_ms});
  }
  return result;
}

ClaimResult MemoryStream::Claim(MemoryGroup& group, const ClaimRequest& request) const {
  ClaimResult result;
  MemoryGroup::PendingList* from = group.FindConsumer(request.from);
  if (from == nullptr || from->empty()) return result;
  MemoryGroup::PendingList& to = group.Consumer(request.to);
  size_t mail_bytes = 0;
  for (uint32_t looked_at = 0; looked_at < request.max_entries && !from->empty(); ++looked_at) {
    const auto oldest = from->begin();
    mail_bytes += oldest->second.mail.size();
    if (looked_at > 0 && mail_bytes > kMaxMailOfAnswer) break;
    const EntryId id = oldest->first;
    MemoryGroup::Pending pending = std::move(oldest->second);
    from->erase(oldest);
    const auto entry = LowerBound(id);
    if (entry == entries_.end() || entry->id != id) {
      ++result.vanished;
      continue;
    }
    ++pending.times_delivered;
    result.entries.push_back({{id, entry->value, entry->note, entry->expires_ms},
                              pending.times_delivered,
                              pending.record,
                              pending.mail});
    to.insert_or_assign(id, std::move(pending));
  }
  result.more = !from->empty();
  return result;
}

}  // namespace eventbus
