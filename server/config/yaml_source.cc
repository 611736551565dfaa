// Values from the configuration file.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/config/node.h"
#include "server/config/registry.h"
#include "server/config/source.h"
#include "server/config/yaml.h"

namespace eventbus::settings {
namespace {

class Walk {
 public:
  Walk(const Registry& registry, const std::string& path) : registry_(registry), path_(path) {}

  // Takes the values below `section`, whose dotted name is `prefix` ("" at the top).
  void Take(const Node& section, const std::string& prefix) {
    std::set<std::string> seen;
    for (const NodeMember& member : section.members) {
      const std::string name = prefix.empty() ? member.key : absl::StrCat(prefix, ".", member.key);
      if (!seen.insert(member.key).second) {
        Problem(member.line, name, "is given twice");
      } else if (const Setting* setting = registry_.Find(name); setting != nullptr) {
        Assign(*setting, member);
      } else if (registry_.IsPrefix(name)) {
        TakeSection(member, name);
      } else {
        Problem(member.line, name, absl::StrCat("unknown setting; ", registry_.Suggestion(name)));
      }
    }
  }

  void Problem(int line, const std::string& name, absl::string_view what) {
    findings_.problems.push_back(
        absl::StrCat(path_, ":", line, ": ", name, name.empty() ? "" : ": ", what));
  }

  Findings Result() { return std::move(findings_); }

 private:
  void Assign(const Setting& setting, const NodeMember& member) {
    Assignment assignment{&setting, member.value, absl::StrCat(path_, ":", member.line)};
    if (assignment.value.kind == Node::Kind::kNull) assignment.value.line = member.line;
    findings_.assignments.push_back(std::move(assignment));
  }

  void TakeSection(const NodeMember& member, const std::string& name) {
    if (member.value.kind == Node::Kind::kMap) {
      Take(member.value, name);
    } else if (member.value.kind != Node::Kind::kNull) {  // All its lines may be comments.
      Problem(member.line, name, "is a section; its settings stand below it, indented");
    }
  }

  const Registry& registry_;
  const std::string& path_;
  Findings findings_;
};

}  // namespace

Findings ReadYaml(const Registry& registry, absl::string_view text, const std::string& path) {
  Walk walk(registry, path);
  const YamlResult yaml = ParseYaml(text);
  if (!yaml.ok) {
    walk.Problem(yaml.error_line, "", yaml.error);
  } else if (yaml.node.kind == Node::Kind::kMap) {
    walk.Take(yaml.node, "");
  } else if (yaml.node.kind != Node::Kind::kNull) {
    walk.Problem(yaml.node.line, "", "is not a map of settings such as \"insecure: false\"");
  }
  return walk.Result();
}

Findings ReadYamlFile(const Registry& registry, const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || file.bad() || (text.str().empty() && errno != 0)) {
    Findings findings;
    findings.problems.push_back(absl::StrCat(path, ": cannot read the configuration file: ",
                                             errno == 0 ? "unknown error" : std::strerror(errno)));
    return findings;
  }
  return ReadYaml(registry, text.str(), path);
}

}  // namespace eventbus::settings
