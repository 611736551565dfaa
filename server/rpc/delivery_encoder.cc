#include "server/rpc/delivery_encoder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/broker/delivery_token.h"
#include "server/broker/entry_reader.h"
#include "server/broker/wire.h"
#include "server/rpc/message_slices.h"

namespace eventbus {
namespace {

// Field numbers of SubscribeResponse and ReceiveResponse, Deliveries, DeliveryBatch and Timestamp.
// All are below 16, so every tag is one byte.
constexpr uint32_t kDeliveries = 2;
constexpr uint32_t kBatches = 1;
constexpr uint32_t kFirstDelivery = 2;
constexpr uint32_t kStream = 3;
constexpr uint32_t kPosition = 4;
constexpr uint32_t kAttempt = 5;
constexpr uint32_t kTimesDelivered = 6;
constexpr uint32_t kStoredTime = 7;
constexpr uint32_t kLastReason = 8;
constexpr uint32_t kRedriven = 9;
constexpr uint32_t kTokens = 10;
constexpr uint32_t kSeconds = 1;
constexpr uint32_t kNanos = 2;
// Of PullResponse, whose batches have the number that they have in Deliveries.
constexpr uint32_t kLeaseDeadline = 2;
// That field, at most.
constexpr uint64_t kLeaseDeadlineBytes = 24;

// Tag and length of the message around all batches.
constexpr uint64_t kOuterHeadBytes = 1 + kMaxVarintBytes;

void AppendNonZero(uint32_t field, uint64_t value, std::string* out) {
  if (value != 0) AppendVarintField(field, value, out);
}

void AppendNonEmpty(uint32_t field, absl::string_view value, std::string* out) {
  if (!value.empty()) AppendLengthDelimitedField(field, value, out);
}

void AppendTimestamp(uint32_t field, uint64_t unix_ms, std::string* out) {
  std::string timestamp;
  AppendNonZero(kSeconds, unix_ms / 1000, &timestamp);
  AppendNonZero(kNanos, unix_ms % 1000 * 1'000'000, &timestamp);
  AppendLengthDelimitedField(field, timestamp, out);
}

// All of a DeliveryBatch but its events.
std::string EncodeBatchHead(const DeliveryFormat& format, const DeliveryRun& run) {
  std::string head;
  if (!format.tokens) AppendNonZero(kFirstDelivery, run.first_delivery, &head);
  AppendNonEmpty(kStream, *run.stream, &head);
  AppendLengthDelimitedField(kPosition, run.position.ToString(), &head);
  AppendNonZero(kAttempt, run.attempt, &head);
  AppendNonZero(kTimesDelivered, run.times_delivered, &head);
  AppendTimestamp(kStoredTime, run.position.entry.ms, &head);
  AppendNonEmpty(kLastReason, run.last_reason, &head);
  AppendNonZero(kRedriven, run.redriven ? 1 : 0, &head);
  if (!format.tokens || format.group.empty()) return head;

  DeliveryToken token = FirstTokenOf(format.group, run);
  for (uint32_t i = 0; i < run.count; ++i) {
    AppendLengthDelimitedField(kTokens, token.Encode(), &head);
    ++token.position.index;
  }
  return head;
}

// The first `count` events of `run`, taken away from it.
DeliveryRun TakeFront(uint32_t count, size_t bytes, DeliveryRun* run) {
  DeliveryRun front = *run;
  front.events = run->events.Slice(0, bytes);
  front.count = count;
  run->events = run->events.Slice(bytes, run->events.size() - bytes);
  run->count -= count;
  run->position.index += count;
  if (run->first_delivery != 0) run->first_delivery += count;
  return front;
}

// Splits a run so that the front takes at most `room` bytes, tokens included, but has at least one
// event.
DeliveryRun Split(const DeliveryFormat& format, uint64_t room, DeliveryRun* run) {
  DeliveryRun one = *run;
  one.count = 1;
  const uint64_t head_bytes = EncodeBatchHead(format, one).size() + kOuterHeadBytes;
  // An upper bound of what each further event adds besides itself; a token's index may have more
  // digits than the first one's.
  const uint64_t bytes_each = format.tokens ? head_bytes + 16 : 0;
  EntryReader reader(run->events.view());
  FramedEvent event;
  uint32_t count = 0;
  size_t end = 0;
  uint64_t total = head_bytes;
  while (count < run->count && reader.Next(&event)) {
    total += event.framed.size() + bytes_each;
    if (count > 0 && total > room) break;
    end = reader.offset();
    ++count;
  }
  // Only a corrupt entry has fewer events than the broker counted: then all of it goes as it is.
  if (count == 0) return TakeFront(run->count, run->events.size(), run);
  return TakeFront(count, end, run);
}

struct EncodedBatch {
  std::string head;
  DeliveryRun run;
  uint64_t size() const { return head.size() + run.events.size(); }
  uint64_t framed_size() const { return LengthDelimitedSize(size()); }
};

// Batches that go into one message, and their size.
struct EncodedBatches {
  std::vector<EncodedBatch> batches;
  uint64_t total = 0;
};

// Takes what fits from the front of `runs`.
EncodedBatches TakeBatches(const DeliveryFormat& format, uint64_t max_bytes,
                           std::deque<DeliveryRun>* runs) {
  EncodedBatches taken;
  auto& [batches, total] = taken;
  while (!runs->empty()) {
    EncodedBatch batch;
    batch.head = EncodeBatchHead(format, runs->front());
    const uint64_t needed =
        LengthDelimitedSize(batch.head.size() + runs->front().events.size()) + kOuterHeadBytes;
    if (total + needed <= max_bytes) {
      batch.run = std::move(runs->front());
      runs->pop_front();
    } else {
      if (!batches.empty()) break;
      batch.run = Split(format, max_bytes, &runs->front());
      batch.head = EncodeBatchHead(format, batch.run);
      if (runs->front().count == 0) runs->pop_front();
    }
    total += batch.framed_size();
    batches.push_back(std::move(batch));
    if (total + kOuterHeadBytes >= max_bytes) break;
  }
  return taken;
}

void WriteBatches(const EncodedBatches& encoded, MessageSlices* slices) {
  for (const EncodedBatch& batch : encoded.batches) {
    AppendTag(kBatches, WireType::kLengthDelimited, slices->text());
    AppendVarint(batch.size(), slices->text());
    slices->text()->append(batch.head);
    slices->Append(batch.run.events);
  }
}

}  // namespace

DeliveryToken FirstTokenOf(const std::string& group, const DeliveryRun& run) {
  DeliveryToken token;
  token.group = {group, run.generation};
  token.stream = run.held_in != nullptr ? *run.held_in : *run.stream;
  token.position = run.held_in != nullptr ? run.held_at : run.position;
  token.attempt = run.attempt;
  token.times_delivered = run.times_delivered;
  return token;
}

DeliveryMessage EncodeDeliveries(const DeliveryFormat& format, uint64_t max_bytes,
                                 std::deque<DeliveryRun>* runs) {
  const EncodedBatches encoded = TakeBatches(format, max_bytes, runs);
  MessageSlices slices;
  AppendTag(kDeliveries, WireType::kLengthDelimited, slices.text());
  AppendVarint(encoded.total, slices.text());
  WriteBatches(encoded, &slices);
  DeliveryMessage message;
  for (const EncodedBatch& batch : encoded.batches) {
    message.events += batch.run.count;
    message.event_bytes += batch.run.events.size();
  }
  message.bytes = slices.Finish();
  return message;
}

grpc::ByteBuffer EncodePullResponse(const std::string& group, absl::Time lease_deadline,
                                    uint64_t max_bytes, std::deque<DeliveryRun>* runs) {
  const EncodedBatches encoded =
      TakeBatches({.tokens = true, .group = group}, max_bytes - kLeaseDeadlineBytes, runs);
  MessageSlices slices;
  if (!encoded.batches.empty()) {
    AppendTimestamp(kLeaseDeadline, static_cast<uint64_t>(absl::ToUnixMillis(lease_deadline)),
                    slices.text());
  }
  WriteBatches(encoded, &slices);
  return slices.Finish();
}

}  // namespace eventbus
