// All settings of the daemon, in the order in which documentation shows them. To add one: give
// Config a member and registry.cc an entry; file, environment, flags, checks and documentation
// follow.
#ifndef EVENTBUS_SERVER_CONFIG_REGISTRY_H_
#define EVENTBUS_SERVER_CONFIG_REGISTRY_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/config/config.h"
#include "server/config/scalars.h"
#include "server/config/setting.h"

namespace eventbus::settings {

// A section of the file and of the documentation: what the names before the first dot have in
// common.
struct Section {
  std::string name;
  std::string title;
  std::string text;  // Markdown; may be empty.
};

// How other systems call something, and what it is here.
struct ForeignName {
  std::string name;     // "ttlSeconds"
  std::string setting;  // "retention.ttl"; empty if it is no setting of the daemon.
  std::string meaning;  // Markdown.
};

class Registry {
 public:
  // `check_pattern`: as in CommandLineOptions.
  explicit Registry(const std::function<absl::Status(absl::string_view)>& check_pattern = nullptr);

  const std::vector<Setting>& settings() const { return settings_; }
  const std::vector<Section>& sections() const { return sections_; }
  const std::vector<ForeignName>& foreign_names() const { return foreign_names_; }

  std::vector<Setting> InSection(absl::string_view section) const;

  // Null if there is none.
  const Setting* Find(absl::string_view name) const;

  // True if a setting's name begins with `path` and a dot.
  bool IsPrefix(absl::string_view path) const;

  // For a name that is no setting: "did you mean retention.ttl?", or what may stand in its place.
  std::string Suggestion(absl::string_view unknown) const;

 private:
  // Names of what stands beside `name` in its section, or at the top.
  std::vector<std::string> Beside(absl::string_view name) const;

  std::vector<Section> sections_;
  std::vector<Setting> settings_;
  std::vector<ForeignName> foreign_names_;
};

// The kinds of value that a setting and a member of a retention rule share.
TimeSpan RetentionTtl();
TimeSpan DuplicateWindow();
ByteSize RetentionMaxBytes();
WholeNumber RetentionMaxEvents();
Choice<WhenFull> WhenFullChoice();
Choice<DiscardWhat> DiscardChoice();
WholeNumber MaxEventsPerEntry();

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_REGISTRY_H_
