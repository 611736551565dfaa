#include "tests/simulation/seek_watch.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace eventbus::simulation {

void SeekWatch::Take(const GroupChangeSent& sent, absl::Duration now) {
  if (sent.kind != GroupChangeKind::kSeek) return;
  Group& group = groups_[sent.group];
  ++group.sent;
  group.open.emplace(sent.change, std::pair(sent, now));
  group_of_.emplace(sent.change, sent.group);
}

void SeekWatch::Take(const GroupChangeAnswered& answered, absl::Duration now, size_t at) {
  const auto name = group_of_.find(answered.change);
  if (name == group_of_.end()) return;
  Group& group = groups_[name->second];
  const auto seek = group.open.extract(answered.change);
  if (seek.empty()) return;
  const auto& [what, sent_at] = seek.mapped();
  group.ended = now;
  // What failed may have been carried out, or not.
  group.must = {at, answered.done ? what.from_ms : std::nullopt, sent_at};
}

size_t SeekWatch::Sent(const std::string& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? 0 : found->second.sent;
}

bool SeekWatch::IsCertain(const std::string& group, const std::string& instance,
                          absl::Duration now) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return true;
  if (!found->second.open.empty()) return false;
  return now > std::max(found->second.ended, faults_.TroubleEnds(instance)) +
                   options_.signal_bound + options_.max_latency + options_.max_batch_delay;
}

std::optional<SeekWatch::Must> SeekWatch::MustCome(const std::string& group) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  if (found->second.open.empty()) return found->second.must;
  return Must{std::numeric_limits<size_t>::max(), std::nullopt, absl::ZeroDuration()};
}

}  // namespace eventbus::simulation
