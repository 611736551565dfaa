#include "server/store/memory/memory_seen.h"

#include <utility>

#include "server/store/append_once.h"

namespace eventbus {

const SeenPlace* MemorySeen::Find(absl::string_view key, absl::Time now, absl::Duration window) {
  window_ = window;
  const auto found = places_.find(key);
  if (found == places_.end() || !Within(found->second, now)) return nullptr;
  return &found->second;
}

void MemorySeen::Note(const std::string& key, SeenPlace place) {
  places_[key] = place;
  order_.push_back({key, std::move(place)});
  while (order_.size() > kMostRememberedKeys) ForgetOldest();
}

void MemorySeen::ForgetOld(absl::Time now) {
  while (!order_.empty() && !Within(order_.front().place, now)) ForgetOldest();
}

void MemorySeen::ForgetOldest() {
  const Noted& oldest = order_.front();
  const auto found = places_.find(oldest.key);
  if (found != places_.end() && found->second == oldest.place) places_.erase(found);
  order_.pop_front();
}

}  // namespace eventbus
