#include "server/broker/key_lines.h"

#include <algorithm>

namespace eventbus {

bool KeyLines::Add(uint64_t key, Place event) {
  const auto [line, first] = lines_.try_emplace(key);
  if (first) {
    line->second.first = event;
    return true;
  }
  if (line->second.others == nullptr) line->second.others = std::make_unique<std::deque<Place>>();
  line->second.others->push_back(event);
  ++waiting_;
  return false;
}

std::optional<KeyLines::Place> KeyLines::Remove(uint64_t key, Place event) {
  const auto found = lines_.find(key);
  if (found == lines_.end()) return std::nullopt;
  Line& line = found->second;
  const bool alone = line.others == nullptr || line.others->empty();
  if (!(line.first == event)) {
    if (alone) return std::nullopt;
    const auto place = std::find(line.others->begin(), line.others->end(), event);
    if (place == line.others->end()) return std::nullopt;
    line.others->erase(place);
    --waiting_;
    return std::nullopt;
  }
  if (alone) {
    lines_.erase(found);
    return std::nullopt;
  }
  line.first = line.others->front();
  line.others->pop_front();
  --waiting_;
  return line.first;
}

bool KeyLines::IsFirst(uint64_t key, Place event) const {
  const auto found = lines_.find(key);
  return found != lines_.end() && found->second.first == event;
}

void KeyLines::Clear() {
  lines_.clear();
  waiting_ = 0;
}

}  // namespace eventbus
