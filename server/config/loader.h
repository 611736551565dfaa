// Merges what the sources give into one Config, and checks it as a whole.
#ifndef EVENTBUS_SERVER_CONFIG_LOADER_H_
#define EVENTBUS_SERVER_CONFIG_LOADER_H_

#include <map>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/config/source.h"

namespace eventbus::settings {

// Setting's name to where its value came from: "default", or an Assignment's place.
using Origins = std::map<std::string, std::string>;

struct Loaded {
  Config config;
  Origins origins;                    // Of every setting.
  std::vector<std::string> problems;  // If empty, the config is good.
  std::vector<std::string> warnings;
};

// `sources` in rising precedence. Every value is checked, also those that a later source overrides.
Loaded Load(const Registry& registry, const std::vector<Findings>& sources);

// What values that are fine by themselves cannot be together. One line each, naming the settings,
// their values and their places.
std::vector<std::string> ImpossibleCombinations(const Registry& registry, const Config& config,
                                                const Origins& origins);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_LOADER_H_
