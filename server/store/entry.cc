#include "server/store/entry.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace eventbus {
namespace {

constexpr uint64_t kMaxNumber = std::numeric_limits<uint64_t>::max();

// Decimal digits without sign, space or leading zero: each number has one form, so positions can be
// compared as text.
bool ParseNumber(absl::string_view text, uint64_t* number) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return absl::SimpleAtoi(text, number);
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
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
  EntryId id;
  if (parts.size() != 2 || !ParseNumber(parts[0], &id.ms) || !ParseNumber(parts[1], &id.seq)) {
    return absl::InvalidArgumentError("not the id of an entry: it has the form 1700000000000-3");
  }
  return id;
}

std::string Position::ToString() const {
  return absl::StrCat(entry.ms, "-", entry.seq, "-", index);
}

absl::StatusOr<Position> Position::Parse(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
  Position position;
  uint64_t index = 0;
  if (parts.size() != 3 || !ParseNumber(parts[0], &position.entry.ms) ||
      !ParseNumber(parts[1], &position.entry.seq) || !ParseNumber(parts[2], &index) ||
      index > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("not a position: it has the form 1700000000000-3-0");
  }
  position.index = static_cast<uint32_t>(index);
  return position;
}

}  // namespace eventbus
