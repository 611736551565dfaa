#include "server/rpc/well_known_types.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "server/broker/reason.h"

namespace eventbus {
namespace {

constexpr int32_t kNanosPerSecond = 1'000'000'000;
// 10,000 years.
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
constexpr int64_t kMinTimestampSeconds = -62'135'596'800;
constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;

bool IsValid(const google::protobuf::Duration& duration) {
  if (duration.seconds() < -kMaxDurationSeconds || duration.seconds() > kMaxDurationSeconds) {
    return false;
  }
  if (duration.nanos() <= -kNanosPerSecond || duration.nanos() >= kNanosPerSecond) return false;
  const bool opposite_signs = (duration.seconds() < 0 && duration.nanos() > 0) ||
                              (duration.seconds() > 0 && duration.nanos() < 0);
  return !opposite_signs;
}

}  // namespace

absl::Status ReadDuration(absl::string_view field, const google::protobuf::Duration& duration,
                          absl::Duration min, absl::Duration max, absl::Duration* result) {
  if (!IsValid(duration)) return InvalidField(field, "is not a valid google.protobuf.Duration");
  *result = absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  if (*result >= min && *result <= max) return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat("is ", absl::FormatDuration(*result), ", must be from ",
                                   absl::FormatDuration(min), " to ", absl::FormatDuration(max)));
}

absl::Status ReadTimestamp(absl::string_view field, const google::protobuf::Timestamp& timestamp,
                           absl::Time* result) {
  if (timestamp.seconds() < kMinTimestampSeconds || timestamp.seconds() > kMaxTimestampSeconds ||
      timestamp.nanos() < 0 || timestamp.nanos() >= kNanosPerSecond) {
    return InvalidField(field, "is not a valid google.protobuf.Timestamp");
  }
  *result = absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
  return absl::OkStatus();
}

google::protobuf::Duration WriteDuration(absl::Duration duration) {
  const absl::Duration bound = absl::Seconds(kMaxDurationSeconds);
  const absl::Duration clamped = std::clamp(duration, -bound, bound);
  const int64_t seconds = absl::ToInt64Seconds(clamped);
  google::protobuf::Duration result;
  result.set_seconds(seconds);
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(clamped - absl::Seconds(seconds))));
  return result;
}

google::protobuf::Timestamp WriteTimestamp(absl::Time time) {
  const absl::Time clamped = std::clamp(time, absl::FromUnixSeconds(kMinTimestampSeconds),
                                        absl::FromUnixSeconds(kMaxTimestampSeconds));
  const int64_t seconds = absl::ToUnixSeconds(clamped);
  google::protobuf::Timestamp result;
  result.set_seconds(seconds);
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(clamped - absl::FromUnixSeconds(seconds))));
  return result;
}

}  // namespace eventbus
