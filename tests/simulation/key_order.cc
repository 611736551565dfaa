#include "tests/simulation/key_order.h"

namespace eventbus::simulation {

std::optional<KeyOrder::Overtaking> KeyOrder::Take(const std::string& stream,
                                                   const std::string& key, Position position,
                                                   EventNumber event, const MayBeOver& over) {
  Line& line = lines_[{stream, key}];
  std::erase_if(line.open, [&over](const auto& open) { return over(open.second); });
  const bool again = !line.seen.emplace(position, event).second;
  const auto before = line.open.begin();
  std::optional<Overtaking> wrong;
  if (before != line.open.end() && before->first < position) {
    wrong = Overtaking{before->second, false};
  } else if (!sought_ && !again && line.seen.rbegin()->first != position) {
    wrong = Overtaking{line.seen.rbegin()->second, true};
  }
  line.open.emplace(position, event);
  return wrong;
}

void KeyOrder::BeginAnew() {
  lines_.clear();
  sought_ = true;
}

}  // namespace eventbus::simulation
