#include "server/store/memory/memory_delayed.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace eventbus {

const DelayedEvent& MemoryDelayed::Add(DelayedEvent event, absl::Time now) {
  // In the order in which they are given, and of one length, as on Redis.
  const uint64_t by_time = static_cast<uint64_t>(absl::ToUnixMicros(now)) * 10'000;
  last_number_ = std::max(last_number_ + 1, by_time);
  event.id = absl::StrFormat("%020u", last_number_);
  event.stored = now;
  charge_ += ChargeOf(event);
  due_.emplace(event.id, event.due);
  Place place(event.due, event.id);
  return events_.emplace(std::move(place), std::move(event)).first->second;
}

std::vector<DelayedEvent> MemoryDelayed::TakeDue(const MoveDueRequest& request, absl::Time now) {
  std::vector<DelayedEvent> taken;
  uint64_t bytes = 0;
  while (!events_.empty() && taken.size() < request.max_events && bytes < request.max_bytes) {
    const auto first = events_.begin();
    if (first->first.first > now) break;
    bytes += first->second.frame.size();
    charge_ -= ChargeOf(first->second);
    due_.erase(first->second.id);
    taken.push_back(std::move(first->second));
    events_.erase(first);
  }
  return taken;
}

std::vector<DelayedEvent> MemoryDelayed::List(const ListDelayedRequest& request) const {
  std::vector<DelayedEvent> page;
  uint64_t bytes = 0;
  for (auto it = events_.upper_bound(Place(request.due_from, request.after_id));
       it != events_.end() && it->first.first < request.due_before &&
       page.size() < request.max_events;
       ++it) {
    bytes += it->second.frame.size();
    if (!page.empty() && bytes > request.max_bytes) break;
    page.push_back(it->second);
  }
  return page;
}

absl::StatusOr<DelayedEvent> MemoryDelayed::Cancel(const std::string& id) {
  const auto due = due_.find(id);
  if (due == due_.end()) return absl::NotFoundError("it is not delayed, or not any more");
  const auto found = events_.find(Place(due->second, id));
  DelayedEvent event = std::move(found->second);
  charge_ -= ChargeOf(event);
  events_.erase(found);
  due_.erase(due);
  return event;
}

DelayedInfo MemoryDelayed::Info() const {
  DelayedInfo info;
  info.waiting = events_.size();
  if (!events_.empty()) info.next_due = events_.begin()->first.first;
  return info;
}

}  // namespace eventbus
