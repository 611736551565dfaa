#include "client/cli/filter_option.h"

#include "absl/strings/str_cat.h"

namespace eventbus::cli {

absl::Status ReadFilter(const std::vector<std::string>& conditions, v1::AttributeFilter* filter) {
  filter->clear_conditions();
  for (const std::string& text : conditions) {
    const size_t equals = text.find('=');
    const char kind = equals == std::string::npos || equals == 0 ? '\0' : text[equals - 1];
    const bool has_kind = kind == '^' || kind == '$';
    const size_t length = equals == std::string::npos ? 0 : equals - (has_kind ? 1 : 0);
    if (length == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" is none of NAME=VALUE, NAME^=PREFIX and NAME$=SUFFIX"));
    }
    v1::AttributeCondition& condition = *filter->add_conditions();
    condition.set_attribute(text.substr(0, length));
    const std::string value = text.substr(equals + 1);
    if (kind == '^') {
      condition.set_prefix(value);
    } else if (kind == '$') {
      condition.set_suffix(value);
    } else {
      condition.set_exact(value);
    }
  }
  return absl::OkStatus();
}

}  // namespace eventbus::cli
