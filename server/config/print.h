// What the daemon can say about its configuration. All pure: text out of registry and values.
#ifndef EVENTBUS_SERVER_CONFIG_PRINT_H_
#define EVENTBUS_SERVER_CONFIG_PRINT_H_

#include <cstddef>
#include <string>

#include "server/config/config.h"
#include "server/config/loader.h"
#include "server/config/registry.h"

namespace eventbus::settings {

// --print-config: the effective values as YAML, each with a comment that says where it came from,
// secrets masked. It can be read back as a configuration file, but for the secrets.
std::string EffectiveConfig(const Registry& registry, const Config& config, const Origins& origins);

// --print-default-config: config/eventbus.yaml. Every setting explained and commented out, so that
// a later default takes effect unless somebody chose otherwise.
std::string DefaultConfigFile(const Registry& registry);

// --print-config-docs: docs/configuration.md.
std::string ConfigDocs(const Registry& registry);

// --help.
std::string HelpText(const Registry& registry);

// `text` in lines of at most `width` characters, each behind `indent`. A longer word stays whole.
std::string Wrapped(const std::string& text, const std::string& indent, std::size_t width);

}  // namespace eventbus::settings

#endif  // EVENTBUS_SERVER_CONFIG_PRINT_H_
