#include "tests/simulation/pause_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/clock_error.h"

namespace eventbus::simulation {
namespace {

bool MayEndAPause(const GroupChangeSent& change) {
  return change.kind == GroupChangeKind::kResume ||
         (change.kind == GroupChangeKind::kPause && change.pause != absl::InfiniteDuration());
}

}  // namespace

void PauseWatch::Take(const GroupChangeSent& sent, absl::Duration now) {
  sent_[sent.change] = {sent, now};
  if (!MayEndAPause(sent)) return;
  Group& group = groups_[sent.group];
  group.may_end.insert(sent.change);
  if (sent.kind == GroupChangeKind::kResume) {
    group.pause.reset();
  } else if (group.pause.has_value()) {
    group.pause->until = std::min(group.pause->until, now + sent.pause - kClockError);
  }
}

void PauseWatch::Take(const GroupChangeAnswered& answered, absl::Duration now) {
  const auto found = sent_.extract(answered.change);
  if (found.empty()) return;
  const auto& [sent, sent_at] = found.mapped();
  Group& group = groups_[sent.group];
  // What was answered with an error was done by now, or never will be: a definition that has
  // changed since is not overwritten.
  group.may_end.erase(sent.change);
  if (sent.kind != GroupChangeKind::kPause || !answered.done || !group.may_end.empty()) return;
  const absl::Duration until =
      sent.pause == absl::InfiniteDuration() ? sent.pause : sent_at + sent.pause - kClockError;
  if (group.pause.has_value() && group.pause->until > now) {
    // It goes on.
    group.pause->until = until;
  } else {
    group.pause = Pause{now, sent.instance, until};
  }
}

void PauseWatch::CheckDelivery(const std::string& group, SubscriptionNumber to,
                               const std::string& instance, absl::Duration now, size_t at) {
  const auto found = groups_.find(group);
  if (found == groups_.end() || !found->second.pause.has_value()) return;
  const Pause& pause = *found->second.pause;
  if (now >= pause.until) return;
  // Whoever was out of touch hears of it afterwards.
  const absl::Duration may_know = std::max(pause.since, faults_.TroubleEnds(instance));
  const absl::Duration bound = instance == pause.instance && may_know == pause.since
                                   ? absl::ZeroDuration()
                                   : options_.signal_bound;
  const absl::Duration knows = may_know + bound + options_.max_latency;
  if (now <= knows) return;
  report_->violations.push_back(
      {rules::kPaused,
       absl::StrCat("sub ", to, " got something of group ", group, ", which is paused since ",
                    absl::FormatDuration(now - pause.since)),
       at});
}

}  // namespace eventbus::simulation
