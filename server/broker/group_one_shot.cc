// The part of Group for members that take one hand-over and no more: the leases of Pull.
#include <algorithm>
#include <vector>

#include "server/broker/group.h"

namespace eventbus {

bool Group::NobodyTakesMore() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& member) { return member.second->spent(); });
}

void Group::TendOneShots() {
  // Those whose answers have come are still there until the next Fetch.
  const bool reading =
      !paused() && (std::any_of(fetching_.begin(), fetching_.end(),
                                [](const Attached* attached) {
                                  return attached->stream->expected_events() > 0;
                                }) ||
                    std::any_of(streams_.begin(), streams_.end(), [](const auto& attached) {
                      return attached.second->stream->gathering();
                    }));
  std::vector<SubscriptionId> done;
  for (const auto& [id, member] : members_) {
    if (!member->one_shot() || !member->opened()) continue;
    if (member->spent()) {
      if (member->in_flight() == 0) done.push_back(id);
    } else if (!reading && member->in_flight() > 0) {
      member->SendAll();
    } else if (!reading) {
      member->sink()->OnNothingReady();
    }
  }
  for (const SubscriptionId id : done) CloseMember(id, absl::OkStatus());
}

}  // namespace eventbus
