#include "client/cpp/src/convert.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace eventbus::client {

Published ToPublished(const v1::PublishedEvent& published) {
  return Published{.id = published.id(),
                   .stream = published.stream(),
                   .position = published.position(),
                   .duplicate = published.duplicate(),
                   .schedule_id = published.schedule_id()};
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string PositionAfter(absl::string_view position, uint64_t index) {
  if (index == 0) return std::string(position);
  size_t digits = position.size();
  while (digits > 0 && absl::ascii_isdigit(static_cast<unsigned char>(position[digits - 1]))) {
    --digits;
  }
  uint64_t last = 0;
  if (!absl::SimpleAtoi(position.substr(digits), &last)) return std::string(position);
  return absl::StrCat(position.substr(0, digits), last + index);
}

}  // namespace eventbus::client
