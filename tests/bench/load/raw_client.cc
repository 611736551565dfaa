#include "tests/bench/load/raw_client.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "server/broker/wire.h"
#include "tests/bench/load/slice_cursor.h"

namespace eventbus::bench {
namespace {

constexpr uint64_t Tag(uint64_t field, uint64_t wire_type) { return field << 3 | wire_type; }
constexpr uint64_t VarintTag(uint64_t field) { return Tag(field, 0); }
constexpr uint64_t MessageTag(uint64_t field) { return Tag(field, 2); }

int64_t ReadStamp(SliceCursor* cursor) {
  std::array<uint8_t, kStampBytes> bytes{};
  for (uint8_t& byte : bytes) byte = cursor->Byte();
  int64_t stamp = 0;
  std::memcpy(&stamp, bytes.data(), bytes.size());
  return stamp;
}

void ReadEvent(bool stamps, SliceCursor* cursor, SubscribeNews* news) {
  const uint64_t size = cursor->Varint();
  if (!stamps || size < kStampBytes) {
    cursor->Skip(size);
    return;
  }
  cursor->Skip(size - kStampBytes);
  news->stamps.push_back(ReadStamp(cursor));
}

void ReadBatch(bool stamps, SliceCursor* cursor, SubscribeNews* news) {
  DeliveredBatch batch;
  const uint64_t size = cursor->Varint();
  const uint64_t end = cursor->offset() + size;
  while (cursor->offset() < end && !cursor->AtEnd()) {
    const uint64_t tag = cursor->Varint();
    if (tag == MessageTag(1)) {
      ReadEvent(stamps, cursor, news);
      ++batch.count;
    } else if (tag == VarintTag(2)) {
      batch.first = cursor->Varint();
    } else if (tag == VarintTag(5)) {
      batch.attempt = static_cast<uint32_t>(cursor->Varint());
    } else {
      cursor->SkipValue(tag);
    }
  }
  news->batches.push_back(batch);
}

void ReadDeliveries(bool stamps, SliceCursor* cursor, SubscribeNews* news) {
  const uint64_t size = cursor->Varint();
  const uint64_t end = cursor->offset() + size;
  while (cursor->offset() < end && !cursor->AtEnd()) {
    const uint64_t tag = cursor->Varint();
    if (tag == MessageTag(1)) {
      ReadBatch(stamps, cursor, news);
    } else {
      cursor->SkipValue(tag);
    }
  }
}

// The number in this field of a message.
uint64_t ReadNumber(uint64_t field, SliceCursor* cursor) {
  const uint64_t size = cursor->Varint();
  const uint64_t end = cursor->offset() + size;
  uint64_t value = 0;
  while (cursor->offset() < end && !cursor->AtEnd()) {
    const uint64_t tag = cursor->Varint();
    if (tag == VarintTag(field)) {
      value = cursor->Varint();
    } else {
      cursor->SkipValue(tag);
    }
  }
  return value;
}

void ReadWindow(SliceCursor* cursor, PublishNews* news) {
  const uint64_t size = cursor->Varint();
  const uint64_t end = cursor->offset() + size;
  news->has_window = true;
  while (cursor->offset() < end && !cursor->AtEnd()) {
    const uint64_t tag = cursor->Varint();
    if (tag == VarintTag(1)) {
      news->max_messages = cursor->Varint();
    } else if (tag == VarintTag(2)) {
      news->max_bytes = cursor->Varint();
    } else {
      cursor->SkipValue(tag);
    }
  }
}

void ReadAcknowledgement(SliceCursor* cursor, PublishNews* news) {
  const uint64_t size = cursor->Varint();
  const uint64_t end = cursor->offset() + size;
  while (cursor->offset() < end && !cursor->AtEnd()) {
    const uint64_t tag = cursor->Varint();
    if (tag == VarintTag(1)) {
      news->through = cursor->Varint();
    } else {
      if (tag == MessageTag(2)) ++news->failures;
      cursor->SkipValue(tag);
    }
  }
}

std::string EncodeRange(const NumberRange& range) {
  std::string bytes;
  AppendVarintField(1, range.first, &bytes);
  AppendVarintField(2, range.last, &bytes);
  return bytes;
}

std::string EncodeSettlement(const SettleWish& wish) {
  std::string settlement;
  if (!wish.ack.empty()) {
    std::string packed;
    for (const uint64_t number : wish.ack) AppendVarint(number, &packed);
    AppendLengthDelimitedField(1, packed, &settlement);
  }
  for (const NumberRange& range : wish.ack_ranges) {
    AppendLengthDelimitedField(2, EncodeRange(range), &settlement);
  }
  if (!wish.nack_ranges.empty()) {
    std::string nack;
    for (const NumberRange& range : wish.nack_ranges) {
      AppendLengthDelimitedField(1, EncodeRange(range), &nack);
    }
    AppendLengthDelimitedField(3, nack, &settlement);
  }
  if (wish.confirm != 0) AppendVarintField(7, wish.confirm, &settlement);
  return settlement;
}

std::unique_ptr<RawClient::Call> Prepare(const char* method,
                                         const std::shared_ptr<grpc::Channel>& channel,
                                         grpc::ClientContext* context, Completions* completions) {
  grpc::GenericStub stub(channel);
  return stub.PrepareCall(context, method, completions->queue());
}

}  // namespace

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::unique_ptr<RawClient::Call> RawClient::PublishStream(
    const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext* context,
    Completions* completions) {
  return Prepare(kPublishStreamMethod, channel, context, completions);
}

std::unique_ptr<RawClient::Call> RawClient::Subscribe(const std::shared_ptr<grpc::Channel>& channel,
                                                      grpc::ClientContext* context,
                                                      Completions* completions) {
  return Prepare(kSubscribeMethod, channel, context, completions);
}

RawClient::Messages::Messages(const LoadShape& shape) {
  for (size_t i = 0; i < shape.types; ++i) {
    events_.emplace_back(EncodeEvents(shape.event, TypeName(i), shape.events_per_message));
    bytes_ = std::max<uint64_t>(bytes_, events_.back().size());
  }
}

const grpc::ByteBuffer& RawClient::Messages::Next(uint64_t sequence) {
  std::string tail;
  AppendVarintField(2, sequence, &tail);
  const std::array<grpc::Slice, 2> parts = {events_[sequence % events_.size()], grpc::Slice(tail)};
  message_ = grpc::ByteBuffer(parts.data(), parts.size());
  return message_;
}

PublishNews RawClient::PublishReader::Read(const grpc::ByteBuffer& response) {
  PublishNews news;
  SliceCursor cursor(response);
  while (!cursor.AtEnd()) {
    const uint64_t tag = cursor.Varint();
    if (tag == MessageTag(1)) {
      ReadWindow(&cursor, &news);
    } else if (tag == MessageTag(2)) {
      ReadAcknowledgement(&cursor, &news);
    } else {
      cursor.SkipValue(tag);
    }
  }
  return news;
}

void RawClient::SubscribeReader::Read(const grpc::ByteBuffer& response, SubscribeNews* news) const {
  SliceCursor cursor(response);
  while (!cursor.AtEnd()) {
    const uint64_t tag = cursor.Varint();
    if (tag == MessageTag(2)) {
      ReadDeliveries(stamps_, &cursor, news);
    } else if (tag == MessageTag(3)) {
      news->settled = ReadNumber(1, &cursor);
    } else {
      if (tag == MessageTag(1)) news->opened = true;
      if (tag == MessageTag(4) || tag == MessageTag(7)) news->disturbed = true;
      cursor.SkipValue(tag);
    }
  }
}

grpc::ByteBuffer RawClient::Open(const v1::SubscribeOpen& open) {
  v1::SubscribeRequest request;
  *request.mutable_open() = open;
  return BufferOf(request.SerializeAsString());
}

const grpc::ByteBuffer& RawClient::SettleWriter::Write(const SettleWish& wish) {
  std::string request;
  AppendLengthDelimitedField(2, EncodeSettlement(wish), &request);
  buffer_ = BufferOf(request);
  return buffer_;
}

}  // namespace eventbus::bench
