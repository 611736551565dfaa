// The setting that is a list of rules, one per pattern.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/config/config.h"
#include "server/config/did_you_mean.h"
#include "server/config/node.h"
#include "server/config/registry.h"
#include "server/config/setting.h"
#include "server/config/setting_kinds.h"
#include "server/config/yaml.h"

namespace eventbus::settings {
namespace {

using PatternCheck = std::function<absl::Status(absl::string_view)>;

// One member that a rule may have.
struct RuleMember {
  std::string name;
  std::string allowed;
  // Sets it from text; a status says what is wrong.
  std::function<absl::Status(absl::string_view, RetentionRuleConfig&)> set;
  // As YAML; nothing if the rule does not have it.
  std::function<std::optional<std::string>(const RetentionRuleConfig&)> print;
};

template <typename Scalar>
RuleMember Optional(const char* name, Scalar scalar,
                    std::optional<typename Scalar::Value> RetentionRuleConfig::*field) {
  return {.name = name,
          .allowed = scalar.Allowed(),
          .set =
              [scalar, field](absl::string_view text, RetentionRuleConfig& rule) {
                auto value = scalar.Read(text);
                if (!value.ok()) return value.status();
                rule.*field = *std::move(value);
                return absl::OkStatus();
              },
          .print = [scalar, field](const RetentionRuleConfig& rule) -> std::optional<std::string> {
            if (!(rule.*field).has_value()) return std::nullopt;
            return scalar.Print(*(rule.*field));
          }};
}

std::vector<RuleMember> RuleMembers(const PatternCheck& check_pattern) {
  RuleMember pattern{.name = "pattern",
                     .allowed = "a type pattern such as orders.*",
                     .set =
                         [check_pattern](absl::string_view text, RetentionRuleConfig& rule) {
                           if (text.empty()) return absl::InvalidArgumentError("an empty pattern");
                           rule.pattern = std::string(text);
                           return check_pattern ? check_pattern(text) : absl::OkStatus();
                         },
                     .print = [](const RetentionRuleConfig& rule) -> std::optional<std::string> {
                       return YamlScalar(rule.pattern);
                     }};
  return {std::move(pattern),
          Optional("ttl", RetentionTtl(), &RetentionRuleConfig::ttl),
          Optional("max_bytes", RetentionMaxBytes(), &RetentionRuleConfig::max_bytes),
          Optional("max_events", RetentionMaxEvents(), &RetentionRuleConfig::max_events),
          Optional("when_full", WhenFullChoice(), &RetentionRuleConfig::when_full),
          Optional("discard", DiscardChoice(), &RetentionRuleConfig::discard),
          Optional("max_events_per_entry", MaxEventsPerEntry(),
                   &RetentionRuleConfig::max_events_per_entry),
          Optional("duplicate_window", DuplicateWindow(), &RetentionRuleConfig::duplicate_window)};
}

// Reads one rule, adding what is wrong with it to `complaints`.
RetentionRuleConfig ReadRule(const Node& node, const std::string& path,
                             const std::vector<RuleMember>& members,
                             std::vector<Complaint>& complaints) {
  RetentionRuleConfig rule;
  if (node.kind != Node::Kind::kMap) {
    complaints.push_back(
        {path, node.text, "not a rule such as {pattern: \"orders.*\", ttl: 1h}", node.line});
    return rule;
  }
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const RuleMember& member : members) names.push_back(member.name);

  std::set<std::string> seen;
  for (const NodeMember& given : node.members) {
    const std::string member_path = absl::StrCat(path, ".", given.key);
    if (!seen.insert(given.key).second) {
      complaints.push_back({member_path, "", "is given twice in one rule", given.line});
      continue;
    }
    const RuleMember* member = nullptr;
    for (const RuleMember& candidate : members) {
      if (candidate.name == given.key) member = &candidate;
    }
    if (member == nullptr) {
      const std::string closest = ClosestTo(given.key, names);
      complaints.push_back(
          {member_path, "",
           absl::StrCat("unknown; ", closest.empty() ? "" : "did you mean " + closest + "? ",
                        "a rule has ", absl::StrJoin(names, ", ")),
           given.line});
    } else if (given.value.kind != Node::Kind::kText) {
      Complaint complaint = NotOneValue(given.value, member->allowed);
      complaint.path = member_path;
      complaint.line = given.line;
      complaints.push_back(std::move(complaint));
    } else if (const absl::Status set = member->set(given.value.text, rule); !set.ok()) {
      complaints.push_back(
          {member_path, given.value.text, std::string(set.message()), given.value.line});
    }
  }
  if (seen.count("pattern") == 0) {
    complaints.push_back({path, "", "a rule without a pattern", node.line});
  } else if (seen.size() == 1) {
    complaints.push_back(
        {path, "", "a rule that changes nothing; give it a ttl or another member", node.line});
  }
  return rule;
}

std::string PrintRules(const std::vector<RetentionRuleConfig>& rules,
                       const std::vector<RuleMember>& members) {
  std::vector<std::string> printed;
  for (const RetentionRuleConfig& rule : rules) {
    std::vector<std::string> parts;
    for (const RuleMember& member : members) {
      if (const auto value = member.print(rule)) {
        parts.push_back(absl::StrCat(member.name, ": ", *value));
      }
    }
    printed.push_back(absl::StrCat("{", absl::StrJoin(parts, ", "), "}"));
  }
  return absl::StrCat("[", absl::StrJoin(printed, ", "), "]");
}

}  // namespace

Setting RetentionRulesSetting(Setting::About about, const PatternCheck& check_pattern) {
  const std::vector<RuleMember> members = RuleMembers(check_pattern);
  Setting::Kind kind;
  kind.value_name = "YAML";
  kind.allowed = "a list of rules, each a `pattern` and one or more of";
  for (const RuleMember& member : members) {
    if (member.name == "pattern") continue;
    absl::StrAppend(&kind.allowed, member.name == "ttl" ? " `" : "; `", member.name, "` (",
                    member.allowed, ")");
  }
  kind.from_yaml = true;
  kind.set = [members](const Node& node, Config& config) -> std::vector<Complaint> {
    if (node.kind != Node::Kind::kList) {
      return {{"", node.text, "not a list of rules such as [{pattern: \"orders.*\", ttl: 1h}]",
               node.line}};
    }
    std::vector<Complaint> complaints;
    std::vector<RetentionRuleConfig> rules;
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      rules.push_back(ReadRule(node.items[i], absl::StrCat("[", i, "]"), members, complaints));
    }
    if (complaints.empty()) config.retention.rules = std::move(rules);
    return complaints;
  };
  kind.print = [members](const Config& config) {
    return PrintRules(config.retention.rules, members);
  };
  return Setting(std::move(about), std::move(kind));
}

}  // namespace eventbus::settings
