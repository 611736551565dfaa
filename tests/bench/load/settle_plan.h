#ifndef EVENTBUS_TESTS_BENCH_LOAD_SETTLE_PLAN_H_
#define EVENTBUS_TESTS_BENCH_LOAD_SETTLE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/bench/load/news.h"

namespace eventbus::bench {

// How deliveries are settled.
enum class SettleKind {
  kInOrder,    // acked as they come, by ranges
  kNacks,      // the same, but one of a hundred is nacked the first time
  kScattered,  // acked one by one in random order, as a pool of workers does
};

// Turns what is delivered into what is to be settled.
class SettlePlan {
 public:
  // How many deliveries a kScattered one holds back, to choose from.
  static constexpr size_t kHeldBack = 1000;

  explicit SettlePlan(SettleKind kind) : kind_(kind) {}

  void Take(const DeliveredBatch& batch);
  // Nothing more will come: also what was held back.
  void Flush();

  // What is to be settled now; whoever sends it clears it.
  SettleWish* wish() { return &wish_; }
  // How many have been put into wishes.
  uint64_t acks() const { return acks_; }
  uint64_t nacks() const { return nacks_; }

 private:
  void AckWithNacks(const DeliveredBatch& batch);
  void Scatter(const DeliveredBatch& batch);

  const SettleKind kind_;
  SettleWish wish_;
  std::vector<uint64_t> held_back_;
  // The same order in every run.
  std::minstd_rand random_{17};
  uint64_t acks_ = 0;
  uint64_t nacks_ = 0;
};

}  // namespace eventbus::bench

#endif  // EVENTBUS_TESTS_BENCH_LOAD_SETTLE_PLAN_H_
