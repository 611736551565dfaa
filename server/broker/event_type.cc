#include "server/broker/event_type.h"

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// What a character is in a type.
constexpr uint8_t kOfSegment = 0;
constexpr uint8_t kDot = 1;
constexpr uint8_t kOfNone = 2;

constexpr std::array<uint8_t, 256> MakeCharacters() {
  std::array<uint8_t, 256> table{};
  for (uint8_t& kind : table) kind = kOfNone;
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = kOfSegment;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = kOfSegment;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = kOfSegment;
  table['_'] = kOfSegment;
  table['-'] = kOfSegment;
  table['.'] = kDot;
  return table;
}

constexpr std::array<uint8_t, 256> kCharacters = MakeCharacters();

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
  return kCharacters[static_cast<uint8_t>(character)] == kOfSegment;
}

bool IsValidEventType(absl::string_view type) {
  if (type.empty() || type.size() > kMaxTypeBytes) return false;
  // Dots, if nothing is wrong.
  size_t dots = 0;
  // Between two dots, as before the first character and behind the last one, a segment lacks. Every
  // event comes by here: so no branches for what is decided in the end.
  uint8_t before = kDot;
  uint8_t wrong = 0;
  for (const char character : type) {
    const uint8_t kind = kCharacters[static_cast<uint8_t>(character)];
    wrong |= static_cast<uint8_t>(kind & (before | kOfNone));
    dots += kind;
    before = kind;
  }
  return wrong == 0 && before != kDot && dots < kMaxTypeSegments;
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
