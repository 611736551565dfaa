#include "server/rpc/pull_request.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"
#include "server/rpc/open_request.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr uint32_t kDefaultEvents = 100;
constexpr uint32_t kMaxEvents = 1'000;
// With tokens and the rest of the answer below kMaxServerMessageBytes.
constexpr uint64_t kMaxBytes = uint64_t{3} << 20;
constexpr absl::Duration kMaxWait = absl::Minutes(1);
constexpr size_t kMaxAttemptIdBytes = 255;

// 0 is the default, as for all fields without presence.
absl::Status ReadLimits(const v1::PullRequest& request, FlowLimits* limits) {
  limits->max_in_flight = request.max_events() == 0 ? kDefaultEvents : request.max_events();
  limits->max_in_flight_bytes = request.max_bytes() == 0 ? kMaxBytes : request.max_bytes();
  if (request.max_events() > kMaxEvents) {
    return InvalidField(
        "max_events", absl::StrCat("is ", request.max_events(), ", must be from 1 to ", kMaxEvents,
                                   ", or 0 for the default"));
  }
  if (request.max_bytes() > kMaxBytes) {
    return InvalidField("max_bytes",
                        absl::StrCat("is ", request.max_bytes(), ", must be from 1 to ", kMaxBytes,
                                     ", or 0 for the default"));
  }
  return absl::OkStatus();
}

absl::Status ReadAttemptId(const v1::PullRequest& request, PullCommand* command) {
  command->attempt_id = request.attempt_id();
  if (request.attempt_id().size() <= kMaxAttemptIdBytes) return absl::OkStatus();
  return InvalidField("attempt_id",
                      absl::StrCat("has ", request.attempt_id().size(), " bytes, at most ",
                                   kMaxAttemptIdBytes, " are allowed"));
}

}  // namespace

absl::StatusOr<PullCommand> ReadPullRequest(const v1::PullRequest& request) {
  PullCommand command;
  if (request.group().name().empty()) {
    return InvalidField("group.name", "is required: also an ephemeral group needs one here");
  }
  absl::Status status = ReadGroupSubscription("group", request.group(), &command.open);
  if (status.ok()) status = ReadStartPosition("start", request.start(), &command.open.start);
  if (status.ok()) status = ReadLimits(request, &command.open.flow);
  if (status.ok() && request.has_wait()) {
    status = ReadDuration("wait", request.wait(), absl::ZeroDuration(), kMaxWait, &command.wait);
  }
  if (status.ok()) status = ReadAttemptId(request, &command);
  if (status.ok()) status = ReadClientId("client_id", request.client_id(), &command.open);
  if (!status.ok()) return status;
  return command;
}

}  // namespace eventbus
