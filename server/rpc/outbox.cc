#include "server/rpc/outbox.h"

#include <iterator>
#include <utility>

#include "server/rpc/rpc_options.h"

namespace eventbus {
namespace {

DeliveryMessage Plain(std::optional<grpc::ByteBuffer>* message) {
  DeliveryMessage plain;
  plain.bytes.Swap(&**message);
  message->reset();
  return plain;
}

}  // namespace

void Outbox::SetFormat(DeliveryFormat format, bool keep_batches) {
  format_ = std::move(format);
  keep_batches_ = keep_batches;
}

void Outbox::AddMessage(const grpc::ByteBuffer& message) {
  items_.emplace_back().message = message;
  ++waiting_messages_;
}

void Outbox::AddDeliveries(std::vector<DeliveryRun> runs) {
  if (keep_batches_ || items_.empty() || items_.back().message.has_value()) items_.emplace_back();
  std::deque<DeliveryRun>& waiting = items_.back().runs;
  waiting.insert(waiting.end(), std::make_move_iterator(runs.begin()),
                 std::make_move_iterator(runs.end()));
}

void Outbox::DropDeliveries() {
  std::deque<Item> kept;
  for (Item& item : items_) {
    if (item.message.has_value()) kept.push_back(std::move(item));
  }
  items_ = std::move(kept);
}

DeliveryMessage Outbox::Take() {
  if (begun_ && pong_) return Plain(&pong_);
  if (begun_ && ping_) return Plain(&ping_);
  begun_ = true;
  Item& item = items_.front();
  if (item.message.has_value()) {
    DeliveryMessage message = Plain(&item.message);
    items_.pop_front();
    --waiting_messages_;
    return message;
  }
  DeliveryMessage message = EncodeDeliveries(format_, kMaxServerMessageBytes, &item.runs);
  if (item.runs.empty()) items_.pop_front();
  return message;
}

}  // namespace eventbus
