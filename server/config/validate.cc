// What values that are fine by themselves cannot be together.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/config/config.h"
#include "server/config/loader.h"
#include "server/config/registry.h"
#include "server/config/setting.h"
#include "server/config/units.h"

namespace eventbus::settings {
namespace {

class Checks {
 public:
  Checks(const Registry& registry, const Config& config, const Origins& origins)
      : registry_(registry), config_(config), origins_(origins) {}

  std::vector<std::string> Run() {
    Addresses();
    Sizes();
    if (config_.instances.dead_after < 4 * config_.instances.heartbeat_interval) {
      Problem({"instances.dead_after", "instances.heartbeat_interval"},
              "do not go together: the first must be at least four times the second");
    }
    if (config_.store.kind == StoreKind::kRedis && config_.store.redis.url.empty()) {
      Problem({"store.kind"}, "needs store.redis.url (--redis), which is empty");
    }
    const RedisStoreConfig& redis = config_.store.redis;
    if (redis.cert_file.empty() != redis.key_file.empty()) {
      Problem({"store.redis.cert_file", "store.redis.key_file"}, "go together: both or none");
    }
    return std::move(problems_);
  }

 private:
  void Addresses() {
    const std::optional<HostPort> listen = ParseHostPort(config_.listen.address);
    const std::optional<HostPort> metrics = ParseHostPort(config_.metrics.address);
    NeedsInsecure("listen.address", listen);
    NeedsInsecure("metrics.address", metrics);
    if (listen.has_value() && metrics.has_value() && listen->port != 0 &&
        listen->port == metrics->port && listen->host == metrics->host) {
      Problem({"listen.address", "metrics.address"}, "are the same address; each needs its own");
    }
  }

  void NeedsInsecure(const char* name, const std::optional<HostPort>& address) {
    if (config_.insecure || !address.has_value() || IsLoopback(address->host)) return;
    Problem({name},
            "can be reached from other machines, and there is no TLS and no authentication yet; "
            "use a loopback address such as 127.0.0.1, or allow it with insecure: true "
            "(--insecure) on a network you trust");
  }

  void Sizes() {
    const LimitsConfig& limits = config_.limits;
    NotAbove("limits.max_event_bytes", limits.max_event_bytes, "limits.max_batch_bytes",
             limits.max_batch_bytes);
    NotAbove("limits.max_batch_bytes", limits.max_batch_bytes, "publish.queue_bytes",
             config_.publish.queue_bytes);
    NotAbove("limits.max_batch_events", limits.max_batch_events, "publish.queue_events",
             config_.publish.queue_events);
    NotAbove("limits.max_batch_bytes", limits.max_batch_bytes, "publish.stream_window_bytes",
             config_.publish.stream_window_bytes);
    NotAbove("delivery.max_in_flight", config_.delivery.max_in_flight, "limits.max_in_flight",
             limits.max_in_flight);
    NotAbove("delivery.max_in_flight_bytes", config_.delivery.max_in_flight_bytes,
             "limits.max_in_flight_bytes", limits.max_in_flight_bytes);
    if (config_.store.kind == StoreKind::kMemory) {
      NotAbove("limits.max_batch_bytes", limits.max_batch_bytes, "store.memory.max_bytes",
               config_.store.memory.max_bytes);
    }
  }

  void NotAbove(const char* small, std::uint64_t small_value, const char* large,
                std::uint64_t large_value) {
    if (small_value <= large_value) return;
    Problem({small, large}, "do not go together: the first must not be above the second");
  }

  // "listen.address 0.0.0.0:9463 (--listen-address) can be reached …"
  void Problem(const std::vector<std::string>& names, absl::string_view what) {
    std::string line;
    for (const std::string& name : names) {
      const auto origin = origins_.find(name);
      absl::StrAppend(&line, line.empty() ? "" : " and ", name, " ",
                      registry_.Find(name)->Print(config_), " (",
                      origin == origins_.end() ? "default" : origin->second, ")");
    }
    problems_.push_back(absl::StrCat(line, " ", what));
  }

  const Registry& registry_;
  const Config& config_;
  const Origins& origins_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> ImpossibleCombinations(const Registry& registry, const Config& config,
                                                const Origins& origins) {
  return Checks(registry, config, origins).Run();
}

}  // namespace eventbus::settings
