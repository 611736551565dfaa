#include "server/config/loader.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/config.h"
#include "server/config/node.h"
#include "server/config/registry.h"
#include "server/config/setting.h"
#include "server/config/source.h"

namespace eventbus::settings {
namespace {

constexpr char kDefault[] = "default";

// "eventbus.yaml:7: retention.rules[1].ttl: "5": not a duration; …"
std::string Line(const Assignment& assignment, const Complaint& complaint) {
  std::string place = assignment.place;
  const std::size_t colon = place.rfind(':');
  // Of a value over several lines the one that is wrong.
  if (complaint.line > 0 && colon != std::string::npos) {
    place = absl::StrCat(place.substr(0, colon), ":", complaint.line);
  }
  std::string line = absl::StrCat(place, ": ", assignment.setting->name(), complaint.path, ": ");
  const bool is_text = assignment.value.kind == Node::Kind::kText && complaint.path.empty();
  if (is_text || !complaint.value.empty()) absl::StrAppend(&line, "\"", complaint.value, "\": ");
  return absl::StrCat(line, complaint.what);
}

}  // namespace

Loaded Load(const Registry& registry, const std::vector<Findings>& sources) {
  Loaded loaded;
  for (const Setting& setting : registry.settings()) loaded.origins[setting.name()] = kDefault;

  for (const Findings& source : sources) {
    loaded.problems.insert(loaded.problems.end(), source.problems.begin(), source.problems.end());
    loaded.warnings.insert(loaded.warnings.end(), source.warnings.begin(), source.warnings.end());
    for (const Assignment& assignment : source.assignments) {
      for (const Complaint& complaint : assignment.setting->Set(assignment.value, loaded.config)) {
        loaded.problems.push_back(Line(assignment, complaint));
      }
      loaded.origins[assignment.setting->name()] = assignment.place;
    }
  }

  // Who names a Redis wants it.
  std::string& kind_origin = loaded.origins["store.kind"];
  if (kind_origin == kDefault && !loaded.config.store.redis.url.empty()) {
    loaded.config.store.kind = StoreKind::kRedis;
    kind_origin = loaded.origins["store.redis.url"];
  }

  const std::vector<std::string> impossible =
      ImpossibleCombinations(registry, loaded.config, loaded.origins);
  loaded.problems.insert(loaded.problems.end(), impossible.begin(), impossible.end());
  return loaded;
}

}  // namespace eventbus::settings
