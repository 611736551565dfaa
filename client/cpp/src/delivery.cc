#include "eventbus/delivery.h"

#include "client/cpp/src/convert.h"
#include "eventbus/v1/broker.pb.h"

namespace eventbus::client {

const Event& Delivery::event() const { return batch_.events(index_); }

absl::string_view Delivery::stream() const { return batch_.stream(); }

std::string Delivery::position() const {
  return PositionAfter(batch_.position(), static_cast<uint64_t>(index_));
}

uint32_t Delivery::attempt() const { return batch_.attempt(); }

uint32_t Delivery::times_delivered() const { return batch_.times_delivered(); }

absl::Time Delivery::stored_time() const { return FromProto(batch_.stored_time()); }

absl::string_view Delivery::last_reason() const { return batch_.last_reason(); }

bool Delivery::redriven() const { return batch_.redriven(); }

}  // namespace eventbus::client
