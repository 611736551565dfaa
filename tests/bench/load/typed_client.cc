#include "tests/bench/load/typed_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace eventbus::bench {
namespace {

constexpr size_t kFirstBlockBytes = size_t{256} << 10;
constexpr char kIdHead[] = "018f5a3e-7c2d-7a41-9b6e-";

// A number as the last 12 digits of a UUID.
void SetId(uint64_t number, v1::Event* event) {
  std::array<char, 12> digits;
  digits.fill('0');
  std::array<char, 16> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
  const size_t size = std::min<size_t>(static_cast<size_t>(end - text.data()), digits.size());
  std::memcpy(digits.data() + digits.size() - size, end - size, size);
  std::string& id = *event->mutable_id();
  id.reserve(sizeof(kIdHead) - 1 + digits.size());
  id.assign(kIdHead, sizeof(kIdHead) - 1);
  id.append(digits.data(), digits.size());
}

void SetRange(const NumberRange& range, v1::DeliveryRange* out) {
  out->set_first(range.first);
  out->set_last(range.last);
}

}  // namespace

MessageArena::MessageArena() : block_(kFirstBlockBytes) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block_.data();
  options.initial_block_size = block_.size();
  arena_ = std::make_unique<google::protobuf::Arena>(options);
}

std::unique_ptr<TypedClient::PublishCall> TypedClient::PublishStream(
    const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext* context,
    Completions* completions) {
  return v1::EventBus::NewStub(channel)->PrepareAsyncPublishStream(context, completions->queue());
}

std::unique_ptr<TypedClient::SubscribeCall> TypedClient::Subscribe(
    const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext* context,
    Completions* completions) {
  return v1::EventBus::NewStub(channel)->PrepareAsyncSubscribe(context, completions->queue());
}

TypedClient::Messages::Messages(const LoadShape& shape) : shape_(shape) {
  for (size_t i = 0; i < shape.types; ++i) {
    types_.push_back(TypeName(i));
    data_.emplace_back(DataBytes(shape.event, types_.back()), 'x');
    bytes_ = std::max<uint64_t>(
        bytes_, EncodeEvents(shape.event, types_.back(), shape.events_per_message).size());
  }
}

const TypedClient::PublishRequest& TypedClient::Messages::Next(uint64_t sequence) {
  auto* const request = arena_.Make<PublishRequest>();
  const size_t index = sequence % types_.size();
  request->set_sequence(sequence);
  request->mutable_events()->Reserve(static_cast<int>(shape_.events_per_message));
  for (size_t i = 0; i < shape_.events_per_message; ++i) {
    v1::Event& event = *request->add_events();
    event.set_type(types_[index]);
    event.set_binary_data(data_[index]);
    if (shape_.event.bare) continue;
    SetId(++made_, &event);
    event.set_source("/bench/load");
    event.set_spec_version("1.0");
    google::protobuf::Timestamp& time =
        *(*event.mutable_attributes())["time"].mutable_ce_timestamp();
    time.set_seconds(1'700'000'000);
    time.set_nanos(123'456'789);
  }
  return *request;
}

PublishNews TypedClient::PublishReader::Read(const PublishResponse& response) {
  PublishNews news;
  if (response.has_window()) {
    news.has_window = true;
    news.max_messages = response.window().max_messages();
    news.max_bytes = response.window().max_bytes();
  }
  news.through = response.acknowledgement().through();
  news.failures = static_cast<uint64_t>(response.acknowledgement().failures_size());
  return news;
}

void TypedClient::SubscribeReader::Read(const SubscribeResponse& response,
                                        SubscribeNews* news) const {
  news->opened = response.has_opened();
  news->settled = response.settled().confirm();
  news->disturbed = response.has_lost() || response.has_drain();
  for (const v1::DeliveryBatch& batch : response.deliveries().batches()) {
    news->batches.push_back(
        {batch.first_delivery(), static_cast<uint32_t>(batch.events_size()), batch.attempt()});
    if (!stamps_) continue;
    for (const v1::Event& event : batch.events()) {
      const std::string& data = event.binary_data();
      int64_t stamp = 0;
      if (data.size() >= kStampBytes) {
        std::memcpy(&stamp, data.data() + data.size() - kStampBytes, kStampBytes);
      }
      news->stamps.push_back(stamp);
    }
  }
}

TypedClient::SubscribeRequest TypedClient::Open(const v1::SubscribeOpen& open) {
  SubscribeRequest request;
  *request.mutable_open() = open;
  return request;
}

const TypedClient::SubscribeRequest& TypedClient::SettleWriter::Write(const SettleWish& wish) {
  auto* const request = arena_.Make<SubscribeRequest>();
  v1::Settlement& settlement = *request->mutable_settle();
  settlement.mutable_ack()->Add(wish.ack.begin(), wish.ack.end());
  for (const NumberRange& range : wish.ack_ranges) SetRange(range, settlement.add_ack_ranges());
  if (!wish.nack_ranges.empty()) {
    v1::Nack& nack = *settlement.add_nacks();
    for (const NumberRange& range : wish.nack_ranges) SetRange(range, nack.add_deliveries());
  }
  settlement.set_confirm(wish.confirm);
  return *request;
}

}  // namespace eventbus::bench
