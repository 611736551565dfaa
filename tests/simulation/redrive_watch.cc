#include "tests/simulation/redrive_watch.h"

#include <algorithm>

namespace eventbus::simulation {

void RedriveWatch::Take(const GroupChangeSent& sent) {
  if (sent.kind != GroupChangeKind::kRedrive) return;
  redrives_[sent.group].push_back({sent});
  group_of_.emplace(sent.change, sent.group);
}

void RedriveWatch::Take(const GroupChangeAnswered& answered, absl::Duration now) {
  const auto group = group_of_.find(answered.change);
  if (group == group_of_.end()) return;
  for (Redrive& redrive : redrives_[group->second]) {
    if (redrive.what.change == answered.change) redrive.ended = now;
  }
}

size_t RedriveWatch::Most(const std::string& group, const std::string& data,
                          absl::Duration since) const {
  const auto found = redrives_.find(group);
  if (found == redrives_.end()) return 0;
  const auto may_be = [&](const Redrive& redrive) {
    const std::vector<ChosenLetter>& letters = redrive.what.letters;
    return redrive.ended >= since &&
           (letters.empty() ||
            std::any_of(letters.begin(), letters.end(),
                        [&](const ChosenLetter& letter) { return letter.data == data; }));
  };
  return static_cast<size_t>(std::count_if(found->second.begin(), found->second.end(), may_be));
}

}  // namespace eventbus::simulation
