#include "tests/bench/load/sample_event.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "server/broker/wire.h"

namespace eventbus::bench {
namespace {

constexpr int64_t kSomeTime = 1'700'000'000;
constexpr int32_t kSomeNanos = 123'456'789;

void FillHead(const EventShape& shape, absl::string_view type, uint64_t number, v1::Event* event) {
  event->set_type(type.data(), type.size());
  if (shape.bare) return;
  event->set_id(absl::StrFormat("018f5a3e-7c2d-7a41-9b6e-%012x", number));
  event->set_source("/bench/load");
  event->set_spec_version("1.0");
  google::protobuf::Timestamp& time =
      *(*event->mutable_attributes())["time"].mutable_ce_timestamp();
  time.set_seconds(kSomeTime);
  time.set_nanos(kSomeNanos);
}

}  // namespace

std::string TypeName(size_t index) { return absl::StrFormat("bench.type%04d", index); }

size_t DataBytes(const EventShape& shape, absl::string_view type) {
  if (shape.event_bytes == 0) return std::max(shape.data_bytes, kStampBytes);
  v1::Event event;
  FillHead(shape, type, 0, &event);
  // The length of the data's length depends on it; so from above.
  size_t data = shape.event_bytes;
  const size_t head = event.ByteSizeLong();
  while (data > kStampBytes && head + LengthDelimitedSize(data) > shape.event_bytes) --data;
  return data;
}

void FillEvent(const EventShape& shape, absl::string_view type, uint64_t number, v1::Event* event) {
  FillHead(shape, type, number, event);
  event->mutable_binary_data()->assign(DataBytes(shape, type), 'x');
}

std::string EncodeEvent(const EventShape& shape, absl::string_view type, uint64_t number) {
  v1::Event event;
  FillEvent(shape, type, number, &event);
  return event.SerializeAsString();
}

std::string EncodeEvents(const EventShape& shape, absl::string_view type, size_t count) {
  std::string events;
  for (size_t i = 0; i < count; ++i) {
    AppendLengthDelimitedField(1, EncodeEvent(shape, type, i), &events);
  }
  return events;
}

}  // namespace eventbus::bench
