#include "server/broker/pattern.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/broker/event_type.h"
#include "server/broker/field_violation.h"

namespace eventbus {
namespace {

bool IsWildcardCharacter(char character) { return character == '*' || character == '+'; }

bool IsWildcard(absl::string_view segment) {
  return segment == "*" || segment == "**" || segment == "+";
}

// Why `text` is no pattern; empty when it is one.
std::string DescribeDefect(absl::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.size() > kMaxTypeBytes) {
    return absl::StrCat("it has ", text.size(), " bytes, at most ", kMaxTypeBytes, " are allowed");
  }
  size_t segments = 0;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const absl::string_view segment = text.substr(begin, end - begin);
    if (segment.empty()) return absl::StrCat("the segment at offset ", begin, " is empty");
    if (!IsWildcard(segment)) {
      for (size_t i = begin; i < end; ++i) {
        if (IsWildcardCharacter(text[i])) {
          return absl::StrCat("'", text.substr(i, 1), "' at offset ", i,
                              " is only part of a segment; the wildcards *, ** and + are whole "
                              "segments");
        }
        if (!IsTypeSegmentCharacter(text[i])) {
          return absl::StrCat(DescribeCharacter(text[i]), " at offset ", i,
                              " is not one of [A-Za-z0-9_-.*+]");
        }
      }
    }
    ++segments;
    begin = end + 1;
  }
  if (segments > kMaxTypeSegments) {
    return absl::StrCat("it has ", segments, " segments, at most ", kMaxTypeSegments,
                        " are allowed");
  }
  return "";
}

}  // namespace

absl::StatusOr<Pattern> Pattern::Parse(absl::string_view text) {
  if (const std::string defect = DescribeDefect(text); !defect.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(QuoteForMessage(text), " is not a valid pattern: ", defect));
  }
  Pattern pattern;
  pattern.text_ = std::string(text);
  pattern.Compile();
  return pattern;
}

void Pattern::Compile() {
  const absl::string_view text = text_;
  const size_t first_wildcard = text.find_first_of("*+");
  if (first_wildcard == absl::string_view::npos) {
    kind_ = Kind::kExact;
    return;
  }
  if (text == "*" || text == "**") {
    kind_ = Kind::kAll;
    return;
  }
  if (first_wildcard == text.size() - 1 && text.back() == '*') {
    kind_ = Kind::kBelow;
    return;
  }
  kind_ = Kind::kGeneral;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const absl::string_view segment = text.substr(begin, end - begin);
    if (segment == "**") {
      segments_.push_back({Token::kMany, 0, 0});
    } else if (segment == "+" || segment == "*") {
      segments_.push_back({Token::kOne, 0, 0});
      if (segment == "*" && end == text.size()) segments_.push_back({Token::kMany, 0, 0});
    } else {
      segments_.push_back(
          {Token::kLiteral, static_cast<uint8_t>(begin), static_cast<uint8_t>(end - begin)});
    }
    begin = end + 1;
  }
}

bool Pattern::Matches(absl::string_view type) const {
  const absl::string_view text = text_;
  switch (kind_) {
    case Kind::kExact:
      return type == text;
    case Kind::kAll:
      return true;
    case Kind::kBelow:
      // `billing.*`: the type begins with `billing.` and goes on.
      return type.size() >= text.size() && absl::StartsWith(type, text.substr(0, text.size() - 1));
    case Kind::kGeneral:
      return MatchesGeneral(type);
  }
  return false;
}

// Follows all ways to match at once: bit i of `states` is set when what was read so far can be
// matched by the first i segments of the pattern. There are at most 17, so a type costs at most 16
// × 17 steps.
bool Pattern::MatchesGeneral(absl::string_view type) const {
  const size_t count = segments_.size();
  // `**` may match nothing: from in front of it one is behind it as well.
  const auto pass_many = [this, count](uint32_t states) {
    for (size_t i = 0; i < count; ++i) {
      if (segments_[i].token == Token::kMany && (states >> i & 1) != 0) states |= 2u << i;
    }
    return states;
  };

  uint32_t states = pass_many(1);
  for (size_t begin = 0; begin <= type.size() && states != 0;) {
    const size_t end = std::min(type.find('.', begin), type.size());
    const absl::string_view part = type.substr(begin, end - begin);
    uint32_t next = 0;
    for (size_t i = 0; i < count; ++i) {
      if ((states >> i & 1) == 0) continue;
      const Segment& segment = segments_[i];
      switch (segment.token) {
        case Token::kLiteral:
          if (part == absl::string_view(text_).substr(segment.offset, segment.length)) {
            next |= 2u << i;
          }
          break;
        case Token::kOne:
          next |= 2u << i;
          break;
        case Token::kMany:
          next |= 1u << i;
          break;
      }
    }
    states = pass_many(next);
    begin = end + 1;
  }
  return (states >> count & 1) != 0;
}

absl::StatusOr<PatternSet> PatternSet::Parse(absl::Span<const std::string> texts) {
  PatternSet set;
  set.patterns_.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    absl::StatusOr<Pattern> pattern = Pattern::Parse(texts[i]);
    if (!pattern.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("patterns[", i, "]: ", pattern.status().message()));
    }
    set.patterns_.push_back(*std::move(pattern));
  }
  std::sort(set.patterns_.begin(), set.patterns_.end(),
            [](const Pattern& left, const Pattern& right) { return left.text() < right.text(); });
  set.patterns_.erase(std::unique(set.patterns_.begin(), set.patterns_.end()), set.patterns_.end());
  for (const Pattern& pattern : set.patterns_) {
    if (pattern.is_exact()) {
      set.exact_.insert(pattern.text());
    } else {
      set.wildcards_.push_back(pattern);
    }
  }
  return set;
}

bool PatternSet::Matches(absl::string_view type) const {
  if (!exact_.empty() && exact_.contains(type)) return true;
  for (const Pattern& pattern : wildcards_) {
    if (pattern.Matches(type)) return true;
  }
  return false;
}

}  // namespace eventbus
