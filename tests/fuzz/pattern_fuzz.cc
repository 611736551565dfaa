// A pattern and a type from outside, one line each: parsing holds, and a valid pair matches as the
// reference says.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "server/broker/event_type.h"
#include "server/broker/group_name.h"
#include "server/broker/pattern.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/reference_matcher.h"

namespace eventbus {
namespace {

void CheckLines(absl::string_view pattern_text, absl::string_view type) {
  const bool type_is_valid = IsValidEventType(type);
  if (CheckEventType(type).has_value() == type_is_valid ||
      CheckGroupName(type).has_value() == IsValidGroupName(type)) {
    std::fprintf(stderr, "check and validity disagree\n");
    std::abort();
  }
  const absl::StatusOr<Pattern> pattern = Pattern::Parse(pattern_text);
  if (!pattern.ok() || !type_is_valid) return;
  // The reference takes exponential time.
  size_t many = 0;
  for (size_t i = 0; i + 1 < pattern_text.size(); ++i) many += pattern_text.substr(i, 2) == "**";
  if (many <= 4 && pattern->Matches(type) != ReferenceMatches(pattern_text, type)) {
    std::fprintf(stderr, "'%s' and '%s'\n", std::string(pattern_text).c_str(),
                 std::string(type).c_str());
    std::abort();
  }
}

}  // namespace

std::vector<std::string> FuzzSeedInputs() {
  return {"a.b.c\na.b.c", "a.*\na.b.c", "**.b.**\na.b.c",    "*.b\na.b", "a.+.+\na.b.c",
          "*\na",         "**\na.b",    "a.**.b.*\na.c.b.d", "+\na",     "a.**.a.**.a\na.a.a.a"};
}

}  // namespace eventbus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line_end = std::min(input.find('\n'), input.size());
  const absl::string_view rest = input.substr(line_end);
  eventbus::CheckLines(input.substr(0, line_end), rest.empty() ? rest : rest.substr(1));
  return 0;
}
