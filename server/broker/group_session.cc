// The part of Group for members whose call is broken and may be followed by another one.
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/broker/group.h"
#include "server/broker/reason.h"

namespace eventbus {

void Group::HoldLeases(SubscriptionId id, absl::Duration until) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  Member& member = *found->second;
  member.set_flow({0, 0});
  // What was not handed over yet may go to others.
  PutBack(member.TakeAway({member.last_handed_over() + 1, std::numeric_limits<uint64_t>::max()}),
          DeliveryInput::kDisconnect);
  member.DropOutbox();
  member.HoldUntil(until);
  ArmDeadline(member.NextDeadline());
  Schedule();
}

absl::Status Group::GoOn(SubscriptionId id, const OpenRequest& request) {
  Member& member = *members_.at(id);
  if (request.last_delivery > member.last_delivery()) {
    return InvalidField(
        "open.session.last_delivery",
        absl::StrCat("is ", *request.last_delivery, ", and the last one of this session is ",
                     member.last_delivery()));
  }
  if (request.last_delivery.has_value()) {
    const uint64_t last = *request.last_delivery;
    PutBack(member.TakeAway({last + 1, std::numeric_limits<uint64_t>::max()}),
            DeliveryInput::kDisconnect);
    member.Rewind(last);
  }
  member.set_flow(request.flow);
  Schedule();
  return absl::OkStatus();
}

}  // namespace eventbus
