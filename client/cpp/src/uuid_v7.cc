#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "eventbus/event.h"

namespace eventbus::client {
namespace {

// One thread's place in the sequence. A clock that steps back, or more than 4,096 ids in one
// millisecond, borrow from the next one, so ids of a thread always rise.
struct Sequence {
  absl::BitGen random;
  uint64_t last = 0;  // milliseconds << 12 | counter

  uint64_t Next() {
    const uint64_t now = static_cast<uint64_t>(absl::ToUnixMillis(absl::Now())) << 12;
    last = now > last ? now : last + 1;
    return last;
  }
};

}  // namespace

std::string NewEventId() {
  thread_local Sequence sequence;
  const uint64_t stamp = sequence.Next();
  const uint64_t random = absl::Uniform<uint64_t>(sequence.random);
  const uint64_t high = ((stamp >> 12) << 16) | 0x7000 | (stamp & 0xfff);
  const uint64_t low = (random & 0x3fffffffffffffff) | 0x8000000000000000;

  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(36, '-');
  size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) ++at;
    const uint64_t word = nibble < 16 ? high : low;
    text[at++] = kDigits[(word >> (60 - 4 * (nibble % 16))) & 0xf];
  }
  return text;
}

}  // namespace eventbus::client
