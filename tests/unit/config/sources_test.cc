// What each source finds, and what it says about what it does not understand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/config/config.h"
#include "server/config/loader.h"
#include "server/config/registry.h"
#include "server/config/source.h"

namespace eventbus::settings {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class SourcesTest : public testing::Test {
 protected:
  Loaded FromFile(absl::string_view text) {
    return Load(registry_, {ReadYaml(registry_, text, "bus.yaml")});
  }
  Loaded FromEnvironment(const Environment& environment) {
    return Load(registry_, {ReadEnvironment(registry_, environment)});
  }
  Loaded FromFlags(const std::vector<std::string>& arguments) {
    return Load(registry_, {ReadFlags(registry_, arguments).findings});
  }

  const Registry registry_{[](absl::string_view pattern) {
    return pattern == "bad!" ? absl::InvalidArgumentError("\"!\" is not allowed in a pattern")
                             : absl::OkStatus();
  }};
};

TEST_F(SourcesTest, EveryProblemOfAFileNamesLineKeyValueAndWhatIsAllowed) {
  const struct {
    const char* file;
    const char* problem;
  } kCases[] = {
      {"listen:\n  adress: 127.0.0.1:1\n",
       "bus.yaml:2: listen.adress: unknown setting; did you mean listen.address?"},
      {"\nttlSeconds: 3600\n",
       "bus.yaml:2: ttlSeconds: unknown setting; did you mean retention.ttl?"},
      {"maxRetries: 3\n",
       "bus.yaml:1: maxRetries: unknown setting; here it is max_retries in the "
       "policy of each consumer group"},
      {"ttl: 1h\n", "bus.yaml:1: ttl: unknown setting; did you mean retention.ttl?"},
      {"colour: red\n",
       "bus.yaml:1: colour: unknown setting; allowed here: listen, insecure, metrics, "},
      {"store:\n  memory:\n    colour: red\n",
       "bus.yaml:3: store.memory.colour: unknown setting; allowed here: max_bytes, max_events"},
      {"limits:\n  max_types: many\n",
       "bus.yaml:2: limits.max_types: \"many\": not a whole number; allowed: 1 to 10000000"},
      {"logging:\n  level: loud\n",
       "bus.yaml:2: logging.level: \"loud\": not a choice; allowed: one of debug, info, warning, "
       "error, off"},
      {"retention:\n  ttl:\n", "bus.yaml:2: retention.ttl: has no value; allowed: "},
      {"listen:\n  address: \"\"\n", "bus.yaml:2: listen.address: \"\": not an address"},
      {"insecure: [true]\n", "bus.yaml:1: insecure: is a list and should be one value"},
      {"insecure: true\ninsecure: false\n", "bus.yaml:2: insecure: is given twice"},
      {"limits: 4\n", "bus.yaml:1: limits: is a section"},
      {"- a\n", "bus.yaml:1: is not a map of settings"},
      {"a: [\n", "bus.yaml:2: not YAML: "},
      {"store:\n  redis:\n    url: http://user:hunter2@cache\n",
       "bus.yaml:3: store.redis.url: \"***\": not a Redis URL"},
      {"retention:\n  rules: 3\n", "bus.yaml:2: retention.rules: \"3\": not a list of rules"},
      {"retention:\n  rules:\n    - pattern: a\n      ttl: 5\n",
       "bus.yaml:4: retention.rules[0].ttl: \"5\": not a duration"},
      {"retention:\n  rules:\n    - {pattern: a, ttl: 1h}\n    - {pattern: b, tll: 1h}\n",
       "bus.yaml:4: retention.rules[1].tll: unknown; did you mean ttl?"},
      {"retention:\n  rules:\n    - {ttl: 1h}\n",
       "bus.yaml:3: retention.rules[0]: a rule without a pattern"},
      {"retention:\n  rules:\n    - {pattern: a}\n",
       "bus.yaml:3: retention.rules[0]: a rule that changes nothing"},
      {"retention:\n  rules:\n    - {pattern: a, ttl: 1h, ttl: 2h}\n",
       "bus.yaml:3: retention.rules[0].ttl: is given twice"},
      {"retention:\n  rules:\n    - {pattern: bad!, ttl: 1h}\n",
       "bus.yaml:3: retention.rules[0].pattern: \"bad!\": \"!\" is not allowed in a pattern"},
      {"retention:\n  rules:\n    - a.*\n", "bus.yaml:3: retention.rules[0]: \"a.*\": not a rule"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(FromFile(c.file).problems, ElementsAre(StartsWith(c.problem))) << c.file;
  }
}

TEST_F(SourcesTest, AllProblemsAreReportedAtOnce) {
  const Loaded loaded = FromFile(
      "colour: red\nlimits:\n  max_types: 0\n  max_groups: x\n"
      "retention:\n  rules:\n    - {pattern: a, ttl: x, max_bytes: y}\n");
  EXPECT_THAT(loaded.problems, testing::SizeIs(5));
}

TEST_F(SourcesTest, ASectionWhoseLinesAreAllCommentsIsFine) {
  EXPECT_THAT(FromFile("listen:\n  # address: x\nstore:\n").problems, IsEmpty());
  EXPECT_THAT(FromFile("").problems, IsEmpty());
}

TEST_F(SourcesTest, RulesHoldWhatTheyNameAndNothingElse) {
  const Loaded loaded = FromFile(
      "retention:\n  ttl: 0\n  rules:\n    - pattern: \"orders.*\"\n      ttl: 7d\n"
      "    - {pattern: logs.**, max_bytes: 1GiB, max_events: 5, when_full: drop_oldest, "
      "max_events_per_entry: 1}\n");
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.retention.ttl, absl::InfiniteDuration());
  ASSERT_EQ(loaded.config.retention.rules.size(), 2u);
  const RetentionRuleConfig& orders = loaded.config.retention.rules[0];
  EXPECT_EQ(orders.pattern, "orders.*");
  EXPECT_EQ(orders.ttl, absl::Hours(168));
  EXPECT_FALSE(orders.max_bytes.has_value());
  EXPECT_FALSE(orders.when_full.has_value());
  const RetentionRuleConfig& logs = loaded.config.retention.rules[1];
  EXPECT_FALSE(logs.ttl.has_value());
  EXPECT_EQ(logs.max_bytes, kGiB);
  EXPECT_EQ(logs.max_events, 5u);
  EXPECT_EQ(logs.when_full, WhenFull::kDropOldest);
  EXPECT_EQ(logs.max_events_per_entry, 1u);
}

TEST_F(SourcesTest, VariablesGiveEverySetting) {
  const Loaded loaded = FromEnvironment({{"EVENTBUS_STORE_MEMORY_MAX_BYTES", "2GiB"},
                                         {"EVENTBUS_METRICS_ADDRESS", ""},
                                         {"EVENTBUS_RETENTION_RULES", "[{pattern: a, ttl: 1h}]"},
                                         {"PATH", "/bin"}});
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.config.store.memory.max_bytes, 2 * kGiB);
  EXPECT_EQ(loaded.config.metrics.address, "");
  EXPECT_EQ(loaded.config.retention.rules.size(), 1u);
  EXPECT_EQ(loaded.origins.at("metrics.address"), "EVENTBUS_METRICS_ADDRESS");
}

TEST_F(SourcesTest, AMistypedVariableIsRefusedAndAForeignOneOnlyNoted) {
  const Loaded loaded = FromEnvironment({{"EVENTBUS_METRICS_COLOUR_OF_ALL", "red"},
                                         {"EVENTBUS_RETENTION_TLL", "1h"},
                                         {"EVENTBUS_TEST_TOOLS", "/x"},
                                         {"EVENTBUS_SERVER", "127.0.0.1:9463"},
                                         {"EVENTBUS_PORT", "tcp://10.0.0.1:9463"},
                                         {"EVENTBUS_PORT_9463_TCP", "tcp://10.0.0.1:9463"},
                                         {"EVENTBUS_SERVICE_HOST", "10.0.0.1"}});
  EXPECT_THAT(loaded.problems, ElementsAre("EVENTBUS_METRICS_COLOUR_OF_ALL: unknown setting; "
                                           "allowed here: EVENTBUS_METRICS_ADDRESS",
                                           "EVENTBUS_RETENTION_TLL: unknown setting; did you mean "
                                           "EVENTBUS_RETENTION_TTL?"));
  EXPECT_THAT(loaded.warnings, ElementsAre(StartsWith("EVENTBUS_TEST_TOOLS: ")));
}

TEST_F(SourcesTest, FlagsTakeTheirValueBehindASpaceOrAnEqualsSign) {
  const Loaded loaded =
      FromFlags({"--listen-address", "localhost:0", "--metrics-address=", "--limits-max-types=7",
                 "--insecure", "--retention-rules", "[{pattern: a, ttl: 1h}]"});
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.listen.address, "localhost:0");
  EXPECT_EQ(loaded.config.metrics.address, "");
  EXPECT_EQ(loaded.config.limits.max_types, 7u);
  EXPECT_TRUE(loaded.config.insecure);
  EXPECT_EQ(loaded.config.retention.rules.size(), 1u);
  EXPECT_FALSE(FromFlags({"--insecure=false"}).config.insecure);
}

TEST_F(SourcesTest, EveryProblemOfAFlagNamesIt) {
  const struct {
    std::vector<std::string> arguments;
    const char* problem;
  } kCases[] = {
      {{"--listen-adress", "x"}, "--listen-adress: unknown flag; did you mean --listen-address?"},
      {{"--colour=red"}, "--colour: unknown flag; --help lists all"},
      {{"start"}, "\"start\": unexpected; the daemon takes flags only"},
      {{"--limits-max-types"}, "--limits-max-types: needs a value"},
      {{"--limits-max-types", "-5"}, "--limits-max-types: limits.max_types: \"-5\": not a whole"},
      {{"--insecure=banana"}, "--insecure: insecure: \"banana\": neither true nor false"},
      {{"--redis", "cache:6379"}, "--redis: store.redis.url: \"***\": not a Redis URL"},
      {{"--retention-rules", "[{pattern: a"}, "--retention-rules: retention.rules: not YAML: "},
      {{"--retention-rules", "[{pattern: a, ttl: x}]"},
       "--retention-rules: retention.rules[0].ttl: \"x\": not a duration"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(FromFlags(c.arguments).problems, ElementsAre(StartsWith(c.problem)))
        << c.arguments[0];
  }
}

TEST_F(SourcesTest, NamingARedisChoosesIt) {
  EXPECT_EQ(FromFlags({"--redis", "redis://cache"}).config.store.kind, StoreKind::kRedis);
  EXPECT_EQ(FromFlags({"--redis", "redis://cache", "--store-kind", "memory"}).config.store.kind,
            StoreKind::kMemory);
}

TEST_F(SourcesTest, ImpossibleCombinationsNameBothSettingsTheirValuesAndPlaces) {
  const struct {
    std::vector<std::string> arguments;
    const char* problem;
  } kCases[] = {
      {{"--listen-address", "0.0.0.0:9463"},
       "listen.address 0.0.0.0:9463 (--listen-address) can be reached from other machines"},
      {{"--metrics-address", "[::]:9464"},
       "metrics.address \"[::]:9464\" (--metrics-address) can be reached from other machines"},
      {{"--metrics-address", "127.0.0.1:9463"},
       "listen.address 127.0.0.1:9463 (default) and metrics.address 127.0.0.1:9463 "
       "(--metrics-address) are the same address"},
      {{"--store-kind", "redis"}, "store.kind redis (--store-kind) needs store.redis.url"},
      {{"--limits-max-event-bytes", "3MiB", "--limits-max-batch-bytes", "2MiB"},
       "limits.max_event_bytes 3MiB (--limits-max-event-bytes) and limits.max_batch_bytes 2MiB "
       "(--limits-max-batch-bytes) do not go together"},
      {{"--delivery-max-in-flight", "2000000"},
       "delivery.max_in_flight 2000000 (--delivery-max-in-flight) and limits.max_in_flight 100000 "
       "(default) do not go together"},
      {{"--instances-dead-after", "3s"},
       "instances.dead_after 3s (--instances-dead-after) and instances.heartbeat_interval 1s "
       "(default) do not go together"},
      {{"--store-memory-max-bytes", "1MiB"},
       "limits.max_batch_bytes 3MiB (default) and store.memory.max_bytes 1MiB"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(FromFlags(c.arguments).problems, ElementsAre(StartsWith(c.problem)))
        << c.arguments[0];
  }
  EXPECT_THAT(FromFlags({"--listen-address", "0.0.0.0:9463", "--insecure"}).problems, IsEmpty());
  EXPECT_THAT(
      FromFlags({"--listen-address", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"}).problems,
      IsEmpty());
}

}  // namespace
}  // namespace eventbus::settings
