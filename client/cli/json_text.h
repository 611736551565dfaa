#ifndef EVENTBUS_CLIENT_CLI_JSON_TEXT_H_
#define EVENTBUS_CLIENT_CLI_JSON_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// JSON as text: values are cut out and passed on as they are written, because a parser that prints
// them again changes numbers, escapes and the order of members. Pure functions.
namespace eventbus::cli {

// One JSON value in UTF-8, and nothing else.
bool IsJson(absl::string_view text);

bool IsUtf8(absl::string_view text);

struct JsonMember {
  std::string name;
  // The value as it is written.
  absl::string_view value;
};

// The members of an object, in order. INVALID_ARGUMENT, with the place, if `text` is no valid
// object or has a name twice. The values point into `text`.
absl::StatusOr<std::vector<JsonMember>> SplitObject(absl::string_view text);

// The string that a JSON string stands for. INVALID_ARGUMENT if `value` is another kind.
absl::StatusOr<std::string> DecodeString(absl::string_view value);

// `text` as a JSON string, quotes included.
std::string EncodeString(absl::string_view text);

// Valid JSON without line breaks: as it is, or without the white space between its tokens.
std::string OnOneLine(absl::string_view json);

}  // namespace eventbus::cli

#endif  // EVENTBUS_CLIENT_CLI_JSON_TEXT_H_
