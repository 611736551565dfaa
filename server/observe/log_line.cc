#include "server/observe/log_line.h"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eventbus {
namespace {

std::string JsonString(absl::string_view text) {
  return nlohmann::json(std::string(text))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool ReadsAsOneWord(absl::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '"' || c == '=' || c == '\\') {
      return false;
    }
  }
  return true;
}

bool IsPrintable(absl::string_view text) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

template <typename Value>
std::string Number(Value value) {
  if constexpr (std::is_same_v<Value, bool>) {
    return value ? "true" : "false";
  } else {
    return absl::StrCat(value);
  }
}

template <typename Value>
constexpr bool kIsText =
    std::is_same_v<Value, absl::string_view> || std::is_same_v<Value, std::string>;

}  // namespace

std::string TextLogLine(absl::string_view message, std::initializer_list<LogField> fields) {
  std::string line = IsPrintable(message) ? std::string(message) : JsonString(message);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key(), "=");
    std::visit(
        [&line](const auto& value) {
          using Value = std::decay_t<decltype(value)>;
          if constexpr (kIsText<Value>) {
            absl::StrAppend(&line, ReadsAsOneWord(value) ? std::string(value) : JsonString(value));
          } else {
            absl::StrAppend(&line, Number(value));
          }
        },
        field.value());
  }
  return line;
}

std::string JsonLogMembers(absl::string_view message, std::initializer_list<LogField> fields) {
  std::string members = absl::StrCat("\"message\":", JsonString(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&members, ",", JsonString(field.key()), ":");
    std::visit(
        [&members](const auto& value) {
          using Value = std::decay_t<decltype(value)>;
          if constexpr (kIsText<Value>) {
            absl::StrAppend(&members, JsonString(value));
          } else if constexpr (std::is_same_v<Value, double>) {
            // JSON has no infinity and no NaN.
            absl::StrAppend(&members, std::isfinite(value) ? Number(value) : "null");
          } else {
            absl::StrAppend(&members, Number(value));
          }
        },
        field.value());
  }
  return members;
}

}  // namespace eventbus
