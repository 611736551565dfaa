#include "server/store/entry.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

constexpr uint64_t kMaxNumber = std::numeric_limits<uint64_t>::max();

constexpr ptrdiff_t kAtOnce = 8;
constexpr bool kFirstIsLowest = std::endian::native == std::endian::little;

// Makes of eight characters, the first one in the lowest byte, the number that they are. False if
// one of them is no digit.
bool TakeDigits(uint64_t* text) {
  constexpr uint64_t kEach = 0x0101010101010101u;
  const uint64_t digits = *text ^ (kEach * '0');
  // 0 to 9 have no high bits, and none has after 0x76 was added to it.
  if (((digits | (digits + kEach * 0x76)) & (kEach * 0x80)) != 0) return false;
  // Neighbours are put together: to two digits in every second byte, then to four, then to eight.
  uint64_t value = digits * 10 + (digits >> 8);
  value = (value & 0x00FF00FF00FF00FFu) * 100 + ((value >> 16) & 0x00FF00FF00FF00FFu);
  value = (value & 0x0000FFFF0000FFFFu) * 10'000 + ((value >> 32) & 0x0000FFFF0000FFFFu);
  *text = value & 0xFFFFFFFFu;
  return true;
}

// Takes a number off the front of `text`: decimal digits without sign, space or leading zero, so
// that each has one form. Then the end must come, or, unless it is the last, a dash, which goes
// too.
bool TakeNumber(bool last, absl::string_view* text, uint64_t* number) {
  // So many digits fit whatever they are; what may be too large is for the library.
  constexpr ptrdiff_t kSafeDigits = std::numeric_limits<uint64_t>::digits10;
  const char* const begin = text->data();
  const char* const end = begin + text->size();
  const char* const safe_end = begin + std::min<ptrdiff_t>(end - begin, kSafeDigits);
  const char* stop = begin;
  uint64_t value = 0;
  for (; kFirstIsLowest && safe_end - stop >= kAtOnce; stop += kAtOnce) {
    uint64_t digits;
    std::memcpy(&digits, stop, kAtOnce);
    if (!TakeDigits(&digits)) break;
    value = value * 100'000'000 + digits;
  }
  for (; stop != safe_end; ++stop) {
    const auto digit = static_cast<unsigned>(*stop - '0');
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  if (stop - begin == kSafeDigits) {
    const std::from_chars_result result = std::from_chars(begin, end, value);
    if (result.ec != std::errc()) return false;
    stop = result.ptr;
  }
  if (stop == begin || (*begin == '0' && stop - begin > 1)) return false;
  *number = value;
  if (last) return stop == end;
  if (stop == end || *stop != '-') return false;
  text->remove_prefix(static_cast<size_t>(stop - begin) + 1);
  return true;
}

}  // namespace

EntryId EntryId::Next() const {
  if (seq < kMaxNumber) return {ms, seq + 1};
  if (ms < kMaxNumber) return {ms + 1, 0};
  return *this;
}

EntryId EntryId::Previous() const {
  if (seq > 0) return {ms, seq - 1};
  if (ms > 0) return {ms - 1, kMaxNumber};
  return *this;
}

std::string EntryId::ToString() const { return absl::StrCat(ms, "-", seq); }

absl::StatusOr<EntryId> EntryId::Parse(absl::string_view text) {
  EntryId id;
  if (!TakeNumber(false, &text, &id.ms) || !TakeNumber(true, &text, &id.seq)) {
    return absl::InvalidArgumentError("not the id of an entry: it has the form 1700000000000-3");
  }
  return id;
}

std::string Position::ToString() const {
  return absl::StrCat(entry.ms, "-", entry.seq, "-", index);
}

absl::StatusOr<Position> Position::Parse(absl::string_view text) {
  Position position;
  uint64_t index = 0;
  if (!TakeNumber(false, &text, &position.entry.ms) ||
      !TakeNumber(false, &text, &position.entry.seq) || !TakeNumber(true, &text, &index) ||
      index > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("not a position: it has the form 1700000000000-3-0");
  }
  position.index = static_cast<uint32_t>(index);
  return position;
}

}  // namespace eventbus
