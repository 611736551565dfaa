#ifndef EVENTBUS_SERVER_BROKER_UUID_H_
#define EVENTBUS_SERVER_BROKER_UUID_H_

#include <array>
#include <cstdint>
#include <random>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace eventbus {

// A UUID as two halves in network order: `high` holds bytes 0 to 7. Compares as its text does.
struct Uuid {
  uint64_t high = 0;
  uint64_t low = 0;

  friend bool operator==(const Uuid& left, const Uuid& right) = default;
  friend auto operator<=>(const Uuid& left, const Uuid& right) = default;
};

inline constexpr size_t kUuidTextBytes = 36;

// The 36 characters of a UUID's text, held in place; view() points into it.
struct UuidText {
  std::array<char, kUuidTextBytes> characters;

  absl::string_view view() const { return {characters.data(), characters.size()}; }
};

// `0190163d-8694-739b-aea5-966c26f8ad91`: lower-case hexadecimal in groups of 8-4-4-4-12.
UuidText FormatUuid(const Uuid& uuid);

// Makes UUIDs of version 7 (RFC 9562): 48 bits of milliseconds since 1970, then 74 random bits.
// Those of one generator increase strictly, within a millisecond and when the clock steps back too:
// then the random part counts up in random steps, and if it runs over, the time part goes one
// millisecond ahead. Not synchronised: one instance per thread, or guarded by its owner.
class UuidV7Generator {
 public:
  // Seeded by the operating system's randomness: what production uses.
  UuidV7Generator();

  // The same seed and times give the same UUIDs: for tests and simulation.
  explicit UuidV7Generator(uint64_t seed);

  // Times before 1970 count as 1970.
  Uuid Next(absl::Time now);

 private:
  std::mt19937_64 random_;
  int64_t last_ms_ = -1;
  // The random part of the last UUID: 12 bits and 62 bits.
  uint64_t random_high_ = 0;
  uint64_t random_low_ = 0;
};

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_UUID_H_
