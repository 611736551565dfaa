// One setting: what it is called everywhere, what it means, what it may be, and how it gets into a
// Config. The kinds of settings are made by the functions in setting_kinds.h.
#ifndef EVENTBUS_SERVER_CONFIG_SETTING_H_
#define EVENTBUS_SERVER_CONFIG_SETTING_H_

#include <functional>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/config/node.h"

namespace eventbus::settings {

// What is wrong with a value that a source gave.
struct Complaint {
  std::string path;   // Inside the setting, for lists: "[1].ttl". Else empty.
  std::string value;  // As given; empty if there is nothing to show.
  std::string what;   // What is wrong and what is allowed: "not a duration; allowed: 1s to 24h".
  int line = 0;       // As in Node.
};

// An immutable value; made by the registry.
class Setting {
 public:
  // What the registry writes about every setting, of whatever kind.
  struct About {
    std::string name;         // Path in the YAML file: "store.memory.max_bytes".
    std::string description;  // Markdown; the first sentence alone is its summary in --help.
    std::string flag;         // If it is not the name with dashes: "--redis".
    bool reloadable = false;  // Takes effect without a restart.
    bool secret = false;      // Never shown.
  };

  // What a kind of setting adds.
  struct Kind {
    std::string value_name;  // What stands for the value in --help: "SIZE".
    std::string allowed;     // "1KiB to 3MiB", "one of memory, redis".
    bool is_switch = false;  // As a flag it needs no value.
    bool from_yaml = false;  // In variables and flags the text is YAML: lists.
    // Puts a value into the config, or says what is wrong and leaves the config alone.
    std::function<std::vector<Complaint>(const Node&, Config&)> set;
    // The value in the config as YAML on one line.
    std::function<std::string(const Config&)> print;
  };

  Setting(About about, Kind kind);

  const std::string& name() const { return about_.name; }
  std::string section() const;  // The name's first part.
  const std::string& description() const { return about_.description; }
  std::string summary() const;
  bool reloadable() const { return about_.reloadable; }
  bool secret() const { return about_.secret; }
  const std::string& flag() const { return about_.flag; }
  std::string environment_variable() const;  // EVENTBUS_STORE_MEMORY_MAX_BYTES

  const std::string& value_name() const { return kind_.value_name; }
  const std::string& allowed() const { return kind_.allowed; }
  bool is_switch() const { return kind_.is_switch; }
  bool from_yaml() const { return kind_.from_yaml; }

  // As Kind::set; what a secret was set to is kept out of the complaints.
  std::vector<Complaint> Set(const Node& value, Config& config) const;

  // As Kind::print, for people: a secret that is set shows as "***".
  std::string Print(const Config& config) const;

 private:
  About about_;
  Kind kind_;
};

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_SETTING_H_
