#include "server/config/yaml.h"

#include <yaml-cpp/yaml.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eventbus::settings {
namespace {

Node Convert(const YAML::Node& yaml) {
  Node node;
  node.line = yaml.Mark().line + 1;
  switch (yaml.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      break;
    case YAML::NodeType::Scalar:
      node.kind = Node::Kind::kText;
      node.text = yaml.Scalar();
      break;
    case YAML::NodeType::Sequence:
      node.kind = Node::Kind::kList;
      for (const YAML::Node& item : yaml) node.items.push_back(Convert(item));
      break;
    case YAML::NodeType::Map:
      node.kind = Node::Kind::kMap;
      for (const auto& member : yaml) {
        node.members.push_back({.key = member.first.IsScalar() ? member.first.Scalar() : "",
                                .line = member.first.Mark().line + 1,
                                .value = Convert(member.second)});
      }
      break;
  }
  return node;
}

bool IsPlainCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '/' ||
         c == ':' || c == '-' || c == '@' || c == '*';
}

}  // namespace

YamlResult ParseYaml(absl::string_view text) {
  YamlResult result;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      result.error_line = documents[1].Mark().line + 1;
      result.error = "a second YAML document; only one is read";
      return result;
    }
    if (!documents.empty()) result.node = Convert(documents[0]);
    result.ok = true;
  } catch (const YAML::Exception& exception) {
    result.error_line = exception.mark.line + 1;
    result.error =
        absl::StrCat("not YAML: ", exception.msg, " (column ", exception.mark.column + 1, ")");
  }
  return result;
}

std::string YamlScalar(absl::string_view text) {
  bool plain = !text.empty() && text.back() != ':' &&
               absl::ascii_isalnum(static_cast<unsigned char>(text.front()));
  for (const char c : text) plain = plain && IsPlainCharacter(c);
  if (plain && !absl::EqualsIgnoreCase(text, "null")) return std::string(text);

  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (absl::ascii_iscntrl(byte)) {
      absl::StrAppend(&quoted, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace eventbus::settings
