// Makes settings: a scalar and where it lives in the Config, or the list of retention rules.
#ifndef EVENTBUS_SERVER_CONFIG_SETTING_KINDS_H_
#define EVENTBUS_SERVER_CONFIG_SETTING_KINDS_H_

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/config/config.h"
#include "server/config/node.h"
#include "server/config/setting.h"

namespace eventbus::settings {

// The complaint of a value that should have been a scalar and is `node`.
Complaint NotOneValue(const Node& node, const std::string& allowed);

// A setting with one value of kind `scalar` (scalars.h). `field` answers the member of a Config
// that holds it.
template <typename Scalar>
Setting ScalarSetting(Setting::About about, Scalar scalar,
                      typename Scalar::Value& (*field)(Config&)) {
  Setting::Kind kind;
  kind.value_name = scalar.ValueName();
  kind.allowed = scalar.Allowed();
  kind.is_switch = std::is_same_v<typename Scalar::Value, bool>;
  kind.set = [scalar, field](const Node& node, Config& config) -> std::vector<Complaint> {
    if (node.kind != Node::Kind::kText) return {NotOneValue(node, scalar.Allowed())};
    auto value = scalar.Read(node.text);
    if (!value.ok()) {
      return {{"", node.text, std::string(value.status().message()), node.line}};
    }
    field(config) = *std::move(value);
    return {};
  };
  kind.print = [scalar, field](const Config& config) {
    Config copy = config;  // `field` is one function for reading and writing.
    return scalar.Print(field(copy));
  };
  return Setting(std::move(about), std::move(kind));
}

// The list of retention rules. `check_pattern` says whether a pattern is one; unset, all are.
Setting RetentionRulesSetting(Setting::About about,
                              const std::function<absl::Status(absl::string_view)>& check_pattern);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_SETTING_KINDS_H_
