#include "tests/fuzz/reference_matcher.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/types/span.h"

namespace eventbus {
namespace {

bool Matches(absl::Span<const std::string> pattern, absl::Span<const std::string> type) {
  if (pattern.empty()) return type.empty();
  const std::string& first = pattern.front();
  if (first == "**") {
    if (Matches(pattern.subspan(1), type)) return true;
    return !type.empty() && Matches(pattern, type.subspan(1));
  }
  if (type.empty()) return false;
  if (first == "*" && pattern.size() == 1) return true;
  if (first != "*" && first != "+" && first != type.front()) return false;
  return Matches(pattern.subspan(1), type.subspan(1));
}

}  // namespace

bool ReferenceMatches(absl::string_view pattern, absl::string_view type) {
  const std::vector<std::string> pattern_segments = absl::StrSplit(pattern, '.');
  const std::vector<std::string> type_segments = absl::StrSplit(type, '.');
  return Matches(pattern_segments, type_segments);
}

}  // namespace eventbus
