#include "server/broker/uuid.h"

#include <algorithm>

namespace eventbus {
namespace {

constexpr uint64_t kRandomHighMask = (uint64_t{1} << 12) - 1;
constexpr uint64_t kRandomLowMask = (uint64_t{1} << 62) - 1;
constexpr uint64_t kVersion = uint64_t{7} << 12;
constexpr uint64_t kVariant = uint64_t{1} << 63;

std::mt19937_64 SeededBySystem() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(),
                     device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

UuidText FormatUuid(const Uuid& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  UuidText text;
  size_t position = 0;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text.characters[position++] = '-';
    const uint64_t half = digit < 16 ? uuid.high : uuid.low;
    text.characters[position++] = kDigits[half >> (60 - 4 * (digit % 16)) & 15];
  }
  return text;
}

UuidV7Generator::UuidV7Generator() : random_(SeededBySystem()) {}

UuidV7Generator::UuidV7Generator(uint64_t seed) : random_(seed) {}

Uuid UuidV7Generator::Next(absl::Time now) {
  const int64_t now_ms = std::max<int64_t>(absl::ToUnixMillis(now), 0);
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    random_high_ = random_() & kRandomHighMask;
    random_low_ = random_() & kRandomLowMask;
  } else {
    // Steps of up to 2^32 keep the next UUID hard to guess and leave room for 2^30 of them and
    // more.
    random_low_ += (random_() >> 32) + 1;
    if (random_low_ > kRandomLowMask) {
      random_low_ &= kRandomLowMask;
      if (++random_high_ > kRandomHighMask) {
        random_high_ = 0;
        ++last_ms_;
      }
    }
  }
  return Uuid{static_cast<uint64_t>(last_ms_) << 16 | kVersion | random_high_,
              kVariant | random_low_};
}

}  // namespace eventbus
