#ifndef EVENTBUS_TESTS_SIMULATION_SETTLE_INTENT_H_
#define EVENTBUS_TESTS_SIMULATION_SETTLE_INTENT_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "server/broker/subscription.h"

namespace eventbus::simulation {

inline bool Names(const std::vector<DeliveryRange>& ranges, uint64_t number) {
  return std::any_of(ranges.begin(), ranges.end(), [number](const DeliveryRange& range) {
    return number >= range.first && number <= range.last;
  });
}

// What a command does with one delivery.
struct SettleIntent {
  enum class Kind { kNothing, kAck, kNack, kReject, kRelease, kExtend };
  Kind kind = Kind::kNothing;
  // The part of the command that says so; null for the other kinds.
  const NackCommand* nack = nullptr;
  const ExtendCommand* extension = nullptr;
};

// If it names the delivery more than once, what comes first counts.
inline SettleIntent IntentOn(const SettleCommand& command, uint64_t number) {
  using Kind = SettleIntent::Kind;
  if (Names(command.acks, number)) return {Kind::kAck};
  for (const NackCommand& nack : command.nacks) {
    if (Names(nack.deliveries, number)) return {Kind::kNack, &nack};
  }
  for (const RejectCommand& reject : command.rejects) {
    if (Names(reject.deliveries, number)) return {Kind::kReject};
  }
  if (Names(command.releases, number)) return {Kind::kRelease};
  for (const ExtendCommand& extension : command.extensions) {
    if (Names(extension.deliveries, number)) return {Kind::kExtend, nullptr, &extension};
  }
  return {};
}

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_SETTLE_INTENT_H_
