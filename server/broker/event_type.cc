#include "server/broker/event_type.h"

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

constexpr std::array<bool, 256> MakeSegmentCharacters() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  table['_'] = true;
  table['-'] = true;
  return table;
}

constexpr std::array<bool, 256> kSegmentCharacters = MakeSegmentCharacters();

// What is wrong with an invalid type, without naming it.
std::string DescribeDefect(absl::string_view type) {
  if (type.size() > kMaxTypeBytes) {
    return absl::StrCat("it has ", type.size(), " bytes, at most ", kMaxTypeBytes, " are allowed");
  }
  size_t segments = 1;
  size_t segment_begin = 0;
  for (size_t i = 0; i <= type.size(); ++i) {
    if (i == type.size() || type[i] == '.') {
      if (i == segment_begin) return absl::StrCat("the segment at offset ", i, " is empty");
      if (i == type.size()) break;
      ++segments;
      segment_begin = i + 1;
    } else if (!IsTypeSegmentCharacter(type[i])) {
      return absl::StrCat(DescribeCharacter(type[i]), " at offset ", i,
                          " is not one of [A-Za-z0-9_-.]");
    }
  }
  return absl::StrCat("it has ", segments, " segments, at most ", kMaxTypeSegments, " are allowed");
}

}  // namespace

bool IsTypeSegmentCharacter(char character) {
  return kSegmentCharacters[static_cast<uint8_t>(character)];
}

bool IsValidEventType(absl::string_view type) {
  if (type.empty() || type.size() > kMaxTypeBytes) return false;
  size_t segments = 1;
  // A dot must have a segment before it, and so must the end.
  bool segment_is_empty = true;
  for (const char character : type) {
    if (kSegmentCharacters[static_cast<uint8_t>(character)]) {
      segment_is_empty = false;
    } else if (character == '.' && !segment_is_empty) {
      segment_is_empty = true;
      ++segments;
    } else {
      return false;
    }
  }
  return !segment_is_empty && segments <= kMaxTypeSegments;
}

std::optional<FieldViolation> CheckEventType(absl::string_view type, absl::string_view field) {
  if (IsValidEventType(type)) return std::nullopt;
  if (type.empty()) {
    return FieldViolation{std::string(field),
                          "is required, a dotted name such as order.completed.v1"};
  }
  return FieldViolation{
      std::string(field),
      absl::StrCat(QuoteForMessage(type), " is not a valid type: ", DescribeDefect(type))};
}

}  // namespace eventbus
