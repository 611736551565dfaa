#ifndef EVENTBUS_TESTS_SIMULATION_CHANCE_H_
#define EVENTBUS_TESTS_SIMULATION_CHANCE_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/time/time.h"

namespace eventbus::simulation {

// Chance draws everything that a history leaves open from its seed. The same on every machine,
// which the distributions of <random> are not.
class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}

  uint64_t Any() { return random_(); }
  // From `first` to `last`, both included.
  uint64_t Between(uint64_t first, uint64_t last) { return first + random_() % (last - first + 1); }
  absl::Duration Between(absl::Duration first, absl::Duration last) {
    return first +
           absl::Microseconds(Between(
               uint64_t{0}, static_cast<uint64_t>(absl::ToInt64Microseconds(last - first))));
  }
  // True with this probability.
  bool Happens(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
  }
  template <typename T>
  const T& OneOf(const std::vector<T>& all) {
    return all[Between(uint64_t{0}, all.size() - 1)];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace eventbus::simulation

#endif  // EVENTBUS_TESTS_SIMULATION_CHANCE_H_
