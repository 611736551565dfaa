#include "client/cli/json_text.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace eventbus::cli {
namespace {

using Json = nlohmann::json;

constexpr char kByteOrderMark = '\xef';

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Walks over text that is known to be valid JSON.
class Cursor {
 public:
  explicit Cursor(absl::string_view text) : text_(text) {}

  // The next character that is no white space; 0 at the end.
  char Peek() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void Skip() { ++at_; }

  absl::string_view TakeValue() {
    Peek();
    const size_t begin = at_;
    if (text_[at_] == '"') {
      SkipString();
    } else if (text_[at_] == '{' || text_[at_] == '[') {
      SkipNested();
    } else {
      while (at_ < text_.size() && !IsSpace(text_[at_]) && text_[at_] != ',' && text_[at_] != '}') {
        ++at_;
      }
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void SkipString() {
    for (++at_; text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }
  void SkipNested() {
    int depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        SkipString();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0);
  }

  absl::string_view text_;
  size_t at_ = 0;
};

}  // namespace

bool IsJson(absl::string_view text) {
  return !text.empty() && text.front() != kByteOrderMark && Json::accept(text.begin(), text.end());
}

bool IsUtf8(absl::string_view text) {
  try {
    (void)Json(std::string(text)).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

absl::StatusOr<std::vector<JsonMember>> SplitObject(absl::string_view text) {
  if (!IsJson(text)) {
    try {
      const Json parsed = Json::parse(text.begin(), text.end());
    } catch (const Json::exception& error) {
      // "[json.exception.…] parse error at line 1, column 2: what": the line is ours to name.
      absl::string_view what = error.what();
      what.remove_prefix(std::min(what.find("column"), what.size()));
      return absl::InvalidArgumentError(absl::StrCat("not valid JSON: ", what));
    }
    return absl::InvalidArgumentError("not valid JSON");
  }
  Cursor cursor(text);
  if (cursor.Peek() != '{') return absl::InvalidArgumentError("not a JSON object");
  std::vector<JsonMember> members;
  std::set<std::string> names;
  do {
    cursor.Skip();  // '{' or ','
    if (cursor.Peek() == '}') break;
    absl::StatusOr<std::string> name = DecodeString(cursor.TakeValue());
    if (!name.ok()) return name.status();
    if (!names.insert(*name).second) {
      return absl::InvalidArgumentError(absl::StrCat("member \"", *name, "\" occurs twice"));
    }
    cursor.Peek();
    cursor.Skip();  // ':'
    members.push_back({*std::move(name), cursor.TakeValue()});
  } while (cursor.Peek() == ',');
  return members;
}

absl::StatusOr<std::string> DecodeString(absl::string_view value) {
  if (value.empty() || value.front() != '"') {
    return absl::InvalidArgumentError("not a JSON string");
  }
  if (value.find('\\') == absl::string_view::npos) {
    return std::string(value.substr(1, value.size() - 2));
  }
  return Json::parse(value.begin(), value.end()).get<std::string>();
}

std::string EncodeString(absl::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string OnOneLine(absl::string_view json) {
  if (json.find_first_of("\r\n") == absl::string_view::npos) return std::string(json);
  std::string line;
  line.reserve(json.size());
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\') {
      line += c;
      line += json[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || !IsSpace(c)) line += c;
  }
  return line;
}

}  // namespace eventbus::cli
