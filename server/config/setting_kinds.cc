#include "server/config/setting_kinds.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "server/config/node.h"
#include "server/config/setting.h"

namespace eventbus::settings {

Complaint NotOneValue(const Node& node, const std::string& allowed) {
  if (node.kind == Node::Kind::kNull) {
    return {"", "", absl::StrCat("has no value; allowed: ", allowed), node.line};
  }
  const char* what = node.kind == Node::Kind::kList ? "a list" : "a map";
  return {"", "", absl::StrCat("is ", what, " and should be one value; allowed: ", allowed),
          node.line};
}

}  // namespace eventbus::settings
