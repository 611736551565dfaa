#include "client/cpp/src/settle_buffer.h"

#include <algorithm>

#include "client/cpp/src/convert.h"

namespace eventbus::client {
namespace {

constexpr size_t kMaxReasonBytes = 1024;

void AddDelivery(google::protobuf::RepeatedPtrField<v1::DeliveryRange>& ranges, uint64_t number) {
  v1::DeliveryRange& range = *ranges.Add();
  range.set_first(number);
  range.set_last(number);
}

}  // namespace

void SettleBuffer::AddAck(uint64_t number) {
  ++size_;
  Extend(acks_, number);
}

void SettleBuffer::AddRelease(uint64_t number) {
  ++size_;
  Extend(releases_, number);
}

void SettleBuffer::AddNack(uint64_t number, const Settle& verdict) {
  ++size_;
  v1::Nack& nack = *others_.add_nacks();
  AddDelivery(*nack.mutable_deliveries(), number);
  if (verdict.delay()) *nack.mutable_delay() = ToProto(*verdict.delay());
  nack.set_reason(verdict.reason().substr(0, kMaxReasonBytes));
}

void SettleBuffer::AddReject(uint64_t number, const Settle& verdict) {
  ++size_;
  v1::Reject& reject = *others_.add_rejects();
  AddDelivery(*reject.mutable_deliveries(), number);
  reject.set_reason(verdict.reason().substr(0, kMaxReasonBytes));
}

void SettleBuffer::TakeInto(v1::Settlement& settlement) {
  settlement.Swap(&others_);
  others_.Clear();
  Coalesce(acks_);
  for (const Range& range : acks_) {
    if (range.first == range.last) {
      settlement.add_ack(range.first);
    } else {
      v1::DeliveryRange& out = *settlement.add_ack_ranges();
      out.set_first(range.first);
      out.set_last(range.last);
    }
  }
  Coalesce(releases_);
  Append(releases_, *settlement.mutable_releases());
  acks_.clear();
  releases_.clear();
  size_ = 0;
}

void SettleBuffer::Extend(Ranges& ranges, uint64_t number) {
  if (!ranges.empty() && ranges.back().last + 1 == number) {
    ranges.back().last = number;
  } else {
    ranges.push_back({number, number});
  }
}

void SettleBuffer::Coalesce(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  size_t kept = 0;
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first <= ranges[kept].last + 1) {
      ranges[kept].last = std::max(ranges[kept].last, ranges[i].last);
    } else {
      ranges[++kept] = ranges[i];
    }
  }
  if (!ranges.empty()) ranges.resize(kept + 1);
}

void SettleBuffer::Append(const Ranges& ranges,
                          google::protobuf::RepeatedPtrField<v1::DeliveryRange>& out) {
  for (const Range& range : ranges) {
    v1::DeliveryRange& added = *out.Add();
    added.set_first(range.first);
    added.set_last(range.last);
  }
}

}  // namespace eventbus::client
