#ifndef EVENTBUS_SERVER_BROKER_DELIVERY_RANGES_H_
#define EVENTBUS_SERVER_BROKER_DELIVERY_RANGES_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "server/broker/subscription.h"

namespace eventbus {

// How many numbers the range has; 0 if it is inverted. The one range that has 2^64 counts as 2^64
// - 1.
inline uint64_t CountOf(const DeliveryRange& range) {
  if (range.first > range.last) return 0;
  const uint64_t span = range.last - range.first;
  return span == std::numeric_limits<uint64_t>::max() ? span : span + 1;
}

// All that the command names, in the order in which it is carried out.
inline std::vector<DeliveryRange> AllRanges(const SettleCommand& command) {
  std::vector<DeliveryRange> all;
  const auto add = [&all](const std::vector<DeliveryRange>& ranges) {
    all.insert(all.end(), ranges.begin(), ranges.end());
  };
  add(command.acks);
  for (const NackCommand& nack : command.nacks) add(nack.deliveries);
  for (const RejectCommand& reject : command.rejects) add(reject.deliveries);
  add(command.releases);
  for (const ExtendCommand& extension : command.extensions) add(extension.deliveries);
  return all;
}

// Adds a range that lies behind all others, as a part of the last one if it follows on it.
inline void AppendRange(const DeliveryRange& range, std::vector<DeliveryRange>* ranges) {
  if (!ranges->empty() && ranges->back().last + 1 == range.first) {
    ranges->back().last = range.last;
  } else {
    ranges->push_back(range);
  }
}

// Adds what of `whole` is in none of `parts`, which lie within it in order.
inline void AppendGaps(const DeliveryRange& whole, const std::vector<DeliveryRange>& parts,
                       std::vector<DeliveryRange>* gaps) {
  if (whole.first > whole.last) return;
  uint64_t next = whole.first;
  for (const DeliveryRange& part : parts) {
    if (part.first > next) AppendRange({next, part.first - 1}, gaps);
    if (part.last == whole.last) return;
    next = part.last + 1;
  }
  AppendRange({next, whole.last}, gaps);
}

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_DELIVERY_RANGES_H_
