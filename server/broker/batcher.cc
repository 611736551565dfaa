#include "server/broker/batcher.h"

#include <limits>
#include <utility>

namespace eventbus {

Batcher::Batcher(Loop* loop, const BatchShape& shape, SubscriberSink* sink)
    : shape_(shape), sink_(sink), timer_(loop->CreateTimer([this] { Send(); })) {}

uint32_t Batcher::SpaceInMessage() const {
  return shape_.size == 0 ? std::numeric_limits<uint32_t>::max() : shape_.size - events_;
}

void Batcher::Add(DeliveryRun run) {
  if (runs_.empty() && shape_.size > 0 && shape_.timeout > absl::ZeroDuration()) {
    timer_->Arm(shape_.timeout);
  }
  events_ += run.count;
  runs_.push_back(std::move(run));
  if (shape_.size > 0 && events_ >= shape_.size) Send();
}

void Batcher::SendDue(bool no_room) {
  if (shape_.size == 0 || shape_.timeout <= absl::ZeroDuration() || no_room) Send();
}

void Batcher::Send() {
  timer_->Disarm();
  if (runs_.empty()) return;
  events_ = 0;
  sink_->OnDeliveries(std::exchange(runs_, {}));
}

uint32_t Batcher::Drop() {
  timer_->Disarm();
  runs_.clear();
  return std::exchange(events_, 0);
}

}  // namespace eventbus
