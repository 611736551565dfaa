#include "tests/bench/load/settle_plan.h"

#include <utility>

namespace eventbus::bench {
namespace {

constexpr uint64_t kOneNackIn = 100;

}  // namespace

void SettlePlan::Take(const DeliveredBatch& batch) {
  switch (kind_) {
    case SettleKind::kInOrder:
      AppendNumbers(batch.first, batch.first + batch.count - 1, &wish_.ack_ranges);
      acks_ += batch.count;
      break;
    case SettleKind::kNacks:
      AckWithNacks(batch);
      break;
    case SettleKind::kScattered:
      Scatter(batch);
      break;
  }
}

void SettlePlan::Flush() {
  wish_.ack.insert(wish_.ack.end(), held_back_.begin(), held_back_.end());
  acks_ += held_back_.size();
  held_back_.clear();
}

void SettlePlan::AckWithNacks(const DeliveredBatch& batch) {
  for (uint64_t number = batch.first; number < batch.first + batch.count; ++number) {
    if (batch.attempt == 1 && number % kOneNackIn == kOneNackIn / 2) {
      AppendNumbers(number, number, &wish_.nack_ranges);
      ++nacks_;
    } else {
      AppendNumbers(number, number, &wish_.ack_ranges);
      ++acks_;
    }
  }
}

void SettlePlan::Scatter(const DeliveredBatch& batch) {
  for (uint64_t number = batch.first; number < batch.first + batch.count; ++number) {
    if (held_back_.size() < kHeldBack) {
      held_back_.push_back(number);
      continue;
    }
    wish_.ack.push_back(std::exchange(held_back_[random_() % kHeldBack], number));
    ++acks_;
  }
}

}  // namespace eventbus::bench
