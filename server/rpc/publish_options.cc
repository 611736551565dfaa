#include "server/rpc/publish_options.h"

#include "absl/strings/str_cat.h"
#include "eventbus/v1/broker.pb.h"
#include "server/broker/reason.h"
#include "server/rpc/errors.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

// Longer than any retention; within the timestamps that Protobuf has.
constexpr absl::Duration kMaxTtl = absl::Hours(24 * 36'500);

absl::Status ReadDelay(const v1::PublishOptions& options, absl::Time now,
                       std::optional<DeliveryDelay>* delay) {
  DeliveryDelay read;
  if (options.has_deliver_after()) {
    absl::Status status = ReadDuration("options.deliver_after", options.deliver_after(),
                                       absl::ZeroDuration(), kMaxDeliveryDelay, &read.after);
    if (!status.ok()) return status;
    // To the millisecond, as stores have it.
    if (read.after >= absl::Milliseconds(1)) *delay = read;
    return absl::OkStatus();
  }
  if (!options.has_deliver_at()) return absl::OkStatus();
  absl::Status status = ReadTimestamp("options.deliver_at", options.deliver_at(), &read.at);
  if (!status.ok()) return status;
  if (read.at > now + kMaxDeliveryDelay) {
    return InvalidField("options.deliver_at",
                        absl::StrCat("is ", absl::FormatTime(read.at, absl::UTCTimeZone()),
                                     ", more than a year ahead"));
  }
  if (read.at > now) *delay = read;
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPublishOptions(absl::string_view bytes, absl::Time now, PublishChoices* choices) {
  v1::PublishOptions options;
  if (!options.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return MalformedRequest("options: not a valid eventbus.v1.PublishOptions");
  }
  absl::Status status = ReadDelay(options, now, &choices->delay);
  if (!status.ok() || !options.has_ttl()) return status;
  absl::Duration ttl;
  status = ReadDuration("options.ttl", options.ttl(), absl::Milliseconds(1), kMaxTtl, &ttl);
  if (!status.ok()) return status;
  absl::Time begin = now;
  if (choices->delay.has_value()) {
    const DeliveryDelay& delay = *choices->delay;
    begin = delay.at == absl::InfinitePast() ? now + delay.after : delay.at;
  }
  choices->expires_ms = absl::ToUnixMillis(begin + ttl);
  return absl::OkStatus();
}

}  // namespace eventbus
