#include "server/store/memory/memory_group.h"

#include <algorithm>
#include <utility>

namespace eventbus {

bool MemoryGroup::IsPending(EntryId id) const { return FindPending(id) != nullptr; }

const MemoryGroup::Pending* MemoryGroup::FindPending(EntryId id) const {
  for (const auto& [name, pending] : consumers_) {
    const auto found = pending.find(id);
    if (found != pending.end()) return &found->second;
  }
  return nullptr;
}

MemoryGroup::PendingList& MemoryGroup::Consumer(absl::string_view name) {
  PendingList* consumer = FindConsumer(name);
  return consumer != nullptr ? *consumer : consumers_[std::string(name)];
}

MemoryGroup::PendingList* MemoryGroup::FindConsumer(absl::string_view name) {
  const auto found = consumers_.find(std::string_view(name.data(), name.size()));
  return found == consumers_.end() ? nullptr : &found->second;
}

bool MemoryGroup::RemoveConsumer(absl::string_view name) {
  const auto found = consumers_.find(std::string_view(name.data(), name.size()));
  if (found == consumers_.end()) return true;
  if (!found->second.empty()) return false;
  consumers_.erase(found);
  return true;
}

std::vector<ConsumerInfo> MemoryGroup::ListConsumers() const {
  std::vector<ConsumerInfo> all;
  all.reserve(consumers_.size());
  for (const auto& [name, pending] : consumers_) all.push_back({name, pending.size()});
  return all;
}

void MemoryGroup::Deliver(PendingList& consumer, EntryId id) {
  consumer.emplace_hint(consumer.end(), id, Pending());
  cursor_ = id;
}

std::vector<PendingEntry> MemoryGroup::ListPending(absl::string_view consumer, EntryId after,
                                                   uint32_t max_entries) const {
  std::vector<PendingEntry> found;
  for (const auto& [name, pending] : consumers_) {
    if (!consumer.empty() && name != consumer) continue;
    uint32_t left = max_entries;
    for (auto it = pending.upper_bound(after); it != pending.end() && left > 0; ++it, --left) {
      found.push_back({it->first, name, it->second.times_delivered});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const PendingEntry& a, const PendingEntry& b) { return a.id < b.id; });
  if (found.size() > max_entries) found.resize(max_entries);
  return found;
}

EntryId MemoryGroup::LowestUnsettled() const {
  EntryId lowest = cursor_.Next();
  for (const auto& [name, pending] : consumers_) {
    if (!pending.empty()) lowest = std::min(lowest, pending.begin()->first);
  }
  return lowest;
}

uint64_t MemoryGroup::Ack(const std::vector<EntryId>& ids) {
  uint64_t acked = 0;
  for (const EntryId& id : ids) {
    for (auto& [name, pending] : consumers_) {
      if (pending.erase(id) > 0) {
        ++acked;
        break;
      }
    }
  }
  return acked;
}

uint64_t MemoryGroup::WriteStates(absl::string_view consumer, std::vector<EntryState> states) {
  PendingList* pending = FindConsumer(consumer);
  if (pending == nullptr) return 0;
  uint64_t written = 0;
  for (EntryState& state : states) {
    const auto found = pending->find(state.id);
    if (found == pending->end()) continue;
    found->second.record = std::move(state.record);
    ++written;
  }
  return written;
}

std::optional<std::string> MemoryGroup::LeaveMail(const Mail& mail) {
  for (auto& [name, pending] : consumers_) {
    const auto found = pending.find(mail.id);
    if (found == pending.end()) continue;
    if (found->second.mail.size() + mail.text.size() > kMaxMailBytes) return std::string();
    found->second.mail += mail.text;
    return name;
  }
  return std::nullopt;
}

std::optional<std::vector<NewLetter>> MemoryGroup::Bury(absl::string_view consumer,
                                                        BuriedEntry entry) {
  PendingList* pending = FindConsumer(consumer);
  if (pending == nullptr) return std::nullopt;
  const auto found = pending->find(entry.id);
  if (found == pending->end()) return std::nullopt;
  std::vector<uint32_t>& buried = found->second.buried;
  std::vector<NewLetter> letters;
  for (NewLetter& letter : entry.letters) {
    if (std::find(buried.begin(), buried.end(), letter.index) != buried.end()) continue;
    buried.push_back(letter.index);
    letters.push_back(std::move(letter));
  }
  if (entry.record.empty()) {
    pending->erase(found);
  } else {
    found->second.record = std::move(entry.record);
  }
  return letters;
}

uint64_t MemoryGroup::Release(absl::string_view consumer, const std::vector<EntryId>& ids) {
  PendingList* from = FindConsumer(consumer);
  if (from == nullptr) return 0;
  uint64_t released = 0;
  for (const EntryId& id : ids) {
    const auto found = from->find(id);
    if (found == from->end()) continue;
    PendingList& to = Consumer(kReleasedConsumer);
    if (&to == from) return 0;
    to.insert_or_assign(id, std::move(found->second));
    from->erase(found);
    ++released;
  }
  return released;
}

}  // namespace eventbus
