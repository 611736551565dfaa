#include "server/store/memory/memory_seen.h"

#include "server/store/append_once.h"

namespace eventbus {

bool MemorySeen::Within(const Position& position, absl::Time now) const {
  return now - absl::FromUnixMillis(static_cast<int64_t>(position.entry.ms)) < window_;
}

const Position* MemorySeen::Find(absl::string_view key, absl::Time now, absl::Duration window) {
  window_ = window;
  const auto found = positions_.find(key);
  if (found == positions_.end() || !Within(found->second, now)) return nullptr;
  return &found->second;
}

void MemorySeen::Note(const std::string& key, Position position) {
  positions_[key] = position;
  order_.push_back({key, position});
  while (order_.size() > kMostRememberedKeys) ForgetOldest();
}

void MemorySeen::ForgetOld(absl::Time now) {
  while (!order_.empty() && !Within(order_.front().position, now)) ForgetOldest();
}

void MemorySeen::ForgetOldest() {
  const Noted& oldest = order_.front();
  const auto found = positions_.find(oldest.key);
  if (found != positions_.end() && found->second == oldest.position) positions_.erase(found);
  order_.pop_front();
}

}  // namespace eventbus
