#ifndef EVENTBUS_SERVER_BROKER_RANDOM_SOURCE_H_
#define EVENTBUS_SERVER_BROKER_RANDOM_SOURCE_H_

#include <cstdint>
#include <random>

namespace eventbus {

// RandomSource draws what the broker leaves to chance, such as the jitter of retries. The same seed
// gives the same numbers on every machine. Loop thread only.
class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : random_(seed) {}
  // In [0, 1).
  double Next() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }

 private:
  std::mt19937_64 random_;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_RANDOM_SOURCE_H_
