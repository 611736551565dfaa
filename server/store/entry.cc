#include "server/store/entry.h"

#include <charconv>
#include <limits>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

constexpr uint64_t kMaxNumber = std::numeric_limits<uint64_t>::max();

// Takes a number off the front of `text`: decimal digits without sign, space or leading zero, so
// that each has one form. Then the end must come, or, unless it is the last, a dash, which goes
// too.
bool TakeNumber(bool last, absl::string_view* text, uint64_t* number) {
  const char* const begin = text->data();
  const char* const end = begin + text->size();
  if (begin == end || *begin < '0' || *begin > '9') return false;
  const auto [stop, error] = std::from_chars(begin, end, *number);
  if (error != std::errc() || (*begin == '0' && stop - begin > 1)) return false;
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
