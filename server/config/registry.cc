#include "server/config/registry.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/config/config.h"
#include "server/config/did_you_mean.h"
#include "server/config/scalars.h"
#include "server/config/setting.h"
#include "server/config/setting_kinds.h"

namespace eventbus::settings {
namespace {

// Larger than any machine's memory, and far from overflow.
constexpr std::uint64_t kHugeBytes = 1024 * 1024 * kGiB;
constexpr std::uint64_t kHugeCount = 1'000'000'000'000;

std::vector<Section> AllSections() {
  return {
      {"listen", "Listening", ""},
      {"insecure", "Security", ""},
      {"metrics", "Metrics and health",
       "The HTTP port for operators: `/metrics` for Prometheus, `/healthz`, `/readyz`."},
      {"store", "Store",
       "Where events are kept. The in-memory store needs nothing and forgets everything when the "
       "daemon stops."},
      {"publish", "Publishing", ""},
      {"delivery", "Delivery",
       "Defaults for subscribers and groups that do not say what they want."},
      {"retention", "Retention",
       "How long events are kept. Each stream, that is each event type, is bounded on its own; the "
       "store's own bounds come on top. Whatever is dropped is counted in "
       "`eventbus_dropped_events_total`, and once per group that had not settled it in "
       "`eventbus_lost_unsettled_events_total`."},
      {"dead_letters", "Dead letters",
       "Events that a group has given up, kept apart for people to look at and to deliver once "
       "more. "
       "Bounded for each group and stream."},
      {"heartbeat", "Heartbeats", ""},
      {"instances", "Instances",
       "How daemons on one Redis notice that one of them is gone. The same in all of them, and "
       "rarely a reason to change it."},
      {"drain", "Shutting down", ""},
      {"limits", "Limits",
       "What goes beyond a limit is refused with an error that names the limit; nothing is cut "
       "off."},
      {"logging", "Logging", "Logs go to standard error. They never hold the data of events."},
  };
}

void AddServer(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "listen.address",
       .description =
           "Where gRPC listens. Port 0 takes a free one, which the log names. An address "
           "that is not loopback needs `insecure: true`."},
      Address{}, +[](Config& c) -> std::string& { return c.listen.address; }));
  all.push_back(ScalarSetting(
      {.name = "insecure",
       .description = "Allow addresses that others can reach. There is no TLS and no "
                      "authentication yet, so whoever reaches the port can publish and read "
                      "everything: only for networks you trust."},
      Switch{}, +[](Config& c) -> bool& { return c.insecure; }));
  all.push_back(ScalarSetting(
      {.name = "metrics.address",
       .description =
           "Where HTTP listens for metrics and health checks. Empty: nowhere. An address "
           "that is not loopback needs `insecure: true`. IPv6 addresses need a civetweb library "
           "built with IPv6, which Debian 12's is not."},
      Address{.may_be_empty = true}, +[](Config& c) -> std::string& { return c.metrics.address; }));
}

void AddStore(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "store.kind",
       .description = "Where events are kept. `memory`: in this process, gone when it stops. "
                      "`redis`: in Redis Streams, which any number of daemons may share. Giving "
                      "`store.redis.url` chooses `redis` unless this setting is given too."},
      Choice<StoreKind>{{{"memory", StoreKind::kMemory}, {"redis", StoreKind::kRedis}}},
      +[](Config& c) -> StoreKind& { return c.store.kind; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.url",
       .description = "The Redis to keep events in. It may hold a password and is therefore never "
                      "shown.",
       .flag = "--redis",
       .secret = true},
      RedisUrl{}, +[](Config& c) -> std::string& { return c.store.redis.url; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.prefix",
       .description = "What the names of all keys begin with. Daemons that share a Redis and a "
                      "prefix are one bus; two buses share one Redis by two prefixes."},
      PlainText{.min_bytes = 1, .max_bytes = 64},
      +[](Config& c) -> std::string& { return c.store.redis.prefix; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.timeout",
       .description = "How long Redis may be silent while an answer is due, before the connection "
                      "is given up. What was under way then has an unknown outcome."},
      TimeSpan{.min = absl::Milliseconds(500), .max = absl::Minutes(5)},
      +[](Config& c) -> absl::Duration& { return c.store.redis.timeout; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.min_replicas",
       .description = "How many replicas of Redis must have an event before it is confirmed, and a "
                      "type or group before it is created. A publish that they do not get within "
                      "`store.redis.replica_timeout` fails with an unknown outcome. Costs a round "
                      "trip to the replicas."},
      WholeNumber{.min = 0, .max = 10},
      +[](Config& c) -> std::uint64_t& { return c.store.redis.min_replicas; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.replica_timeout",
       .description = "How long the replicas may take, where `store.redis.min_replicas` asks for "
                      "any."},
      TimeSpan{.min = absl::Milliseconds(10), .max = absl::Minutes(1)},
      +[](Config& c) -> absl::Duration& { return c.store.redis.replica_timeout; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.ca_file",
       .description =
           "PEM file with the certificate authorities that a Redis at `rediss://` may be "
           "certified by. Empty: those that the system trusts."},
      PlainText{}, +[](Config& c) -> std::string& { return c.store.redis.ca_file; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.cert_file",
       .description = "PEM file with the certificate that the daemon shows to a Redis at "
                      "`rediss://`, where that asks for one. Goes with `store.redis.key_file`."},
      PlainText{}, +[](Config& c) -> std::string& { return c.store.redis.cert_file; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.key_file",
       .description = "PEM file with the private key of `store.redis.cert_file`."},
      PlainText{}, +[](Config& c) -> std::string& { return c.store.redis.key_file; }));
  all.push_back(ScalarSetting(
      {.name = "store.redis.allow_eviction",
       .description = "Start although Redis has a `maxmemory-policy` other than `noeviction`. Such "
                      "a Redis deletes streams when memory is short, and confirmed events with "
                      "them."},
      Switch{}, +[](Config& c) -> bool& { return c.store.redis.allow_eviction; }));
  all.push_back(ScalarSetting(
      {.name = "store.memory.max_bytes",
       .description = "How many bytes of events the in-memory store holds. When it is full, the "
                      "oldest events of all streams are dropped."},
      ByteSize{.min = kMiB, .max = kHugeBytes},
      +[](Config& c) -> std::uint64_t& { return c.store.memory.max_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "store.memory.max_events",
       .description = "How many events the in-memory store holds. When it is full, the oldest "
                      "events of all streams are dropped."},
      WholeNumber{.min = 1, .max = kHugeCount},
      +[](Config& c) -> std::uint64_t& { return c.store.memory.max_events; }));
}

void AddPublish(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "publish.default_source",
       .description = "The `source` of events that are published without one."},
      PlainText{.min_bytes = 1, .max_bytes = 255},
      +[](Config& c) -> std::string& { return c.publish.default_source; }));
  all.push_back(ScalarSetting(
      {.name = "publish.queue_events",
       .description = "How many events may wait in front of the store. When the queue is full, "
                      "publishes get RESOURCE_EXHAUSTED."},
      WholeNumber{.min = 1, .max = kHugeCount},
      +[](Config& c) -> std::uint64_t& { return c.publish.queue_events; }));
  all.push_back(ScalarSetting(
      {.name = "publish.queue_bytes",
       .description = "How many bytes may wait in front of the store. When the queue is full, "
                      "publishes get RESOURCE_EXHAUSTED."},
      ByteSize{.min = kMiB, .max = kHugeBytes},
      +[](Config& c) -> std::uint64_t& { return c.publish.queue_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "publish.stream_window_messages",
       .description = "How many messages a PublishStream may have sent without an answer. Fewer "
                      "than 32 costs throughput."},
      WholeNumber{.min = 1, .max = 10'000},
      +[](Config& c) -> std::uint64_t& { return c.publish.stream_window_messages; }));
  all.push_back(ScalarSetting(
      {.name = "publish.stream_window_bytes",
       .description = "How many bytes a PublishStream may have sent without an answer."},
      ByteSize{.min = 64 * kKiB, .max = kGiB},
      +[](Config& c) -> std::uint64_t& { return c.publish.stream_window_bytes; }));
}

void AddDelivery(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "delivery.max_in_flight",
       .description = "How many events a subscriber holds unsettled at once, unless it asks for "
                      "another number. More is faster; what a subscriber holds, others of its "
                      "group do not get."},
      WholeNumber{.min = 1, .max = 10'000'000},
      +[](Config& c) -> std::uint64_t& { return c.delivery.max_in_flight; }));
  all.push_back(ScalarSetting(
      {.name = "delivery.max_in_flight_bytes",
       .description = "How many bytes a subscriber holds unsettled at once, unless it asks for "
                      "another number. One event is always delivered, however large."},
      ByteSize{.min = 64 * kKiB, .max = 64 * kGiB},
      +[](Config& c) -> std::uint64_t& { return c.delivery.max_in_flight_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "delivery.inactive_expiry",
       .description = "How long an ephemeral group outlives its last subscriber, unless it says "
                      "otherwise. Long enough for a client to come back after a network failure."},
      TimeSpan{.min = absl::Seconds(1), .max = absl::Hours(24 * 30)},
      +[](Config& c) -> absl::Duration& { return c.delivery.inactive_expiry; }));
  all.push_back(ScalarSetting(
      {.name = "delivery.resume_window",
       .description =
           "How long a subscriber that asked for a session keeps what it holds after its "
           "call broke. Others of its group do not get it meanwhile."},
      TimeSpan{.min = absl::Milliseconds(100), .max = absl::Hours(1)},
      +[](Config& c) -> absl::Duration& { return c.delivery.resume_window; }));
  all.push_back(ScalarSetting(
      {.name = "delivery.stalled_after",
       .description = "A group of which events wait, and whose subscribers have room, but which "
                      "delivers nothing for so long, is reported: a warning in the log, and the "
                      "metric eventbus_stalled_groups. It is looked at every 5 s, and less often "
                      "where an instance serves more than 500 streams of groups."},
      TimeSpan{.min = absl::Seconds(1), .max = absl::Hours(24)},
      +[](Config& c) -> absl::Duration& { return c.delivery.stalled_after; }));
}

void AddRetention(std::vector<Setting>& all,
                  const std::function<absl::Status(absl::string_view)>& check_pattern) {
  all.push_back(ScalarSetting(
      {.name = "retention.ttl",
       .description = "How long an event is kept, settled or not. At 10,000 events of 256 bytes a "
                      "second, 24 hours are 221 GB: on a busy bus set it, or the bounds below, by "
                      "what you have room for."},
      RetentionTtl(), +[](Config& c) -> absl::Duration& { return c.retention.ttl; }));
  all.push_back(ScalarSetting(
      {.name = "retention.max_bytes",
       .description =
           "How many bytes a stream holds. At the bound, `retention.when_full` says what "
           "happens."},
      RetentionMaxBytes(), +[](Config& c) -> std::uint64_t& { return c.retention.max_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "retention.max_events",
       .description = "How many events a stream holds. At the bound, `retention.when_full` says "
                      "what happens."},
      RetentionMaxEvents(), +[](Config& c) -> std::uint64_t& { return c.retention.max_events; }));
  all.push_back(ScalarSetting(
      {.name = "retention.when_full",
       .description = "What happens at a stream's `max_bytes` or `max_events`. `drop_oldest`: its "
                      "oldest events make room, settled or not; what groups lose is counted. "
                      "`refuse`: publishes of its type get RESOURCE_EXHAUSTED, STREAM_FULL, until "
                      "there is room. The size is looked at every few seconds, so with several "
                      "daemons a stream may go beyond the bound for as long."},
      WhenFullChoice(), +[](Config& c) -> WhenFull& { return c.retention.when_full; }));
  all.push_back(ScalarSetting(
      {.name = "retention.discard",
       .description = "What a stream does without before its `ttl` is over. `expired`: nothing, so "
                      "that it can be replayed. `settled`: also what every group that matches has "
                      "settled, so that memory follows the backlog and not the day; a stream that "
                      "no group matches keeps everything. A group that comes later, and tails, see "
                      "only what is left."},
      DiscardChoice(), +[](Config& c) -> DiscardWhat& { return c.retention.discard; }));
  all.push_back(ScalarSetting(
      {.name = "retention.duplicate_window",
       .description =
           "For how long an event that is published again, with the same `id` and `source` and to "
           "the same type, is recognised: it is not stored once more, and the publisher is told "
           "where it is. 0: not at all. Counts for ids that publishers set. Each id takes about "
           "200 bytes of the store for as long, at most a million ids a stream; publishing to such "
           "a stream costs about twice as much."},
      DuplicateWindow(),
      +[](Config& c) -> absl::Duration& { return c.retention.duplicate_window; }));
  all.push_back(RetentionRulesSetting(
      {.name = "retention.rules",
       .description = "What differs for some types. For each member the first rule counts that has "
                      "it and whose pattern matches the type; what none of them has is as in the "
                      "settings above and in `limits.max_events_per_entry`."},
      check_pattern));
}

void AddLifecycle(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "heartbeat.interval",
       .description = "How long a subscription may be quiet before the server pings it inside its "
                      "stream. A client that promised to answer is dropped after two pings without "
                      "an answer. Keep it below the idle timeout of proxies on the way."},
      TimeSpan{.min = absl::Seconds(1), .max = absl::Hours(1)},
      +[](Config& c) -> absl::Duration& { return c.heartbeat.interval; }));
  all.push_back(ScalarSetting(
      {.name = "dead_letters.ttl",
       .description = "How long a dead letter is kept, from the moment it became one. It can be "
                      "redriven until then."},
      TimeSpan{
          .min = absl::Seconds(1), .max = absl::Hours(3650 * 24), .zero = "keep them for ever"},
      +[](Config& c) -> absl::Duration& { return c.dead_letters.ttl; }));
  all.push_back(ScalarSetting(
      {.name = "dead_letters.max_letters",
       .description = "How many dead letters are kept of each group and stream; the oldest make "
                      "room for new ones. 0: no bound."},
      WholeNumber{.min = 0, .max = 1'000'000'000},
      +[](Config& c) -> std::uint64_t& { return c.dead_letters.max_letters; }));
  all.push_back(ScalarSetting(
      {.name = "instances.heartbeat_interval",
       .description = "How often an instance shows the others that it is alive."},
      TimeSpan{.min = absl::Milliseconds(100), .max = absl::Minutes(1)},
      +[](Config& c) -> absl::Duration& { return c.instances.heartbeat_interval; }));
  all.push_back(ScalarSetting(
      {.name = "instances.dead_after",
       .description = "How long an instance may show no sign of life before the others deliver "
                      "what it held. Shorter: less waiting after a crash, and an instance that was "
                      "only slow is robbed sooner, so events come twice. At least four times "
                      "`instances.heartbeat_interval`."},
      TimeSpan{.min = absl::Milliseconds(400), .max = absl::Hours(1)},
      +[](Config& c) -> absl::Duration& { return c.instances.dead_after; }));
  all.push_back(ScalarSetting(
      {.name = "drain.timeout",
       .description = "How long, after SIGTERM, subscribers have to settle what they hold. What is "
                      "left goes to the other instances, or is delivered again later. Keep it "
                      "below the grace period of whoever sends the SIGTERM (Kubernetes: 30 s)."},
      TimeSpan{.min = absl::ZeroDuration(), .max = absl::Hours(1)},
      +[](Config& c) -> absl::Duration& { return c.drain.timeout; }));
}

void AddLimits(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "limits.max_event_bytes",
       .description = "How large one encoded event may be. Deliveries stay below the 4 MiB that "
                      "stock gRPC clients accept, so this cannot be raised above 3 MiB."},
      ByteSize{.min = kKiB, .max = 3 * kMiB},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_event_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_batch_events",
       .description = "How many events one publish may hold. The answer has a result for each, and "
                      "stays below the 4 MiB that stock gRPC clients accept."},
      WholeNumber{.min = 1, .max = 5'000},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_batch_events; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_batch_bytes",
       .description = "How many bytes of events one publish may hold."},
      ByteSize{.min = kKiB, .max = 64 * kMiB},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_batch_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_events_per_entry",
       .description = "How many events of a stream are stored as one entry. The entry is what the "
                      "subscribers of a group share out among themselves: larger is faster, "
                      "smaller spreads slow jobs better."},
      MaxEventsPerEntry(),
      +[](Config& c) -> std::uint64_t& { return c.limits.max_events_per_entry; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_entry_bytes",
       .description = "How many bytes of events are stored as one entry. A larger event has an "
                      "entry to itself."},
      ByteSize{.min = kKiB, .max = 3 * kMiB},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_entry_bytes; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_retrying",
       .description = "With so many events of one group waiting for their retries on this "
                      "instance, it takes no new ones for the group until some are due. About 300 "
                      "bytes of memory each."},
      WholeNumber{.min = 1, .max = 100'000'000},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_retrying; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_types",
       .description = "How many event types there may be. A publish of one more is refused."},
      WholeNumber{.min = 1, .max = 10'000'000},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_types; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_groups", .description = "How many consumer groups there may be."},
      WholeNumber{.min = 1, .max = 1'000'000},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_groups; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_subscribers",
       .description = "How many subscriptions this instance serves at once."},
      WholeNumber{.min = 1, .max = 10'000'000},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_subscribers; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_in_flight",
       .description = "The most events a subscriber may ask to hold unsettled."},
      WholeNumber{.min = 1, .max = 10'000'000},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_in_flight; }));
  all.push_back(ScalarSetting(
      {.name = "limits.max_in_flight_bytes",
       .description = "The most bytes a subscriber may ask to hold unsettled."},
      ByteSize{.min = 64 * kKiB, .max = 64 * kGiB},
      +[](Config& c) -> std::uint64_t& { return c.limits.max_in_flight_bytes; }));
}

void AddLogging(std::vector<Setting>& all) {
  all.push_back(ScalarSetting(
      {.name = "logging.level", .description = "The least severe messages that are written."},
      Choice<LogLevel>{{{"debug", LogLevel::kDebug},
                        {"info", LogLevel::kInfo},
                        {"warning", LogLevel::kWarning},
                        {"error", LogLevel::kError},
                        {"off", LogLevel::kOff}}},
      +[](Config& c) -> LogLevel& { return c.logging.level; }));
  all.push_back(ScalarSetting(
      {.name = "logging.format",
       .description = "`text` for people, or `json`: one object a line, for machines."},
      Choice<LogFormat>{{{"text", LogFormat::kText}, {"json", LogFormat::kJson}}},
      +[](Config& c) -> LogFormat& { return c.logging.format; }));
}

std::vector<ForeignName> AllForeignNames() {
  return {
      {"persistenceEnabled", "store.kind",
       "`false` is `store.kind: memory`, the default; `true` is `redis`"},
      {"ttlSeconds", "retention.ttl",
       "the same with a unit: `ttlSeconds: 3600` is `ttl: 1h`; per type by a rule in "
       "`retention.rules`"},
      {"maxRetries", "",
       "`max_retries` in the policy of each consumer group (`GroupPolicy` in the proto; default "
       "3)"},
      {"retryDelayMs", "",
       "`retry_delay` in the policy of each consumer group, a duration (default 1 s)"},
      {"deadLetterQueue", "",
       "`dead_letter` in the policy of each consumer group (default true); each group keeps its "
       "own dead letters, so there is no queue to create"},
  };
}

}  // namespace

TimeSpan RetentionTtl() {
  return {.min = absl::Seconds(1), .max = absl::Hours(24 * 36'500), .zero = "for ever"};
}

ByteSize RetentionMaxBytes() { return {.min = kKiB, .max = kHugeBytes, .zero = "no bound"}; }

WholeNumber RetentionMaxEvents() { return {.min = 1, .max = kHugeCount, .zero = "no bound"}; }

Choice<WhenFull> WhenFullChoice() {
  return {{{"drop_oldest", WhenFull::kDropOldest}, {"refuse", WhenFull::kRefuse}}};
}

Choice<DiscardWhat> DiscardChoice() {
  return {{{"expired", DiscardWhat::kExpired}, {"settled", DiscardWhat::kSettled}}};
}

TimeSpan DuplicateWindow() { return {.min = absl::ZeroDuration(), .max = absl::Hours(24 * 7)}; }

WholeNumber MaxEventsPerEntry() { return {.min = 1, .max = 10'000}; }

Registry::Registry(const std::function<absl::Status(absl::string_view)>& check_pattern)
    : sections_(AllSections()), foreign_names_(AllForeignNames()) {
  AddServer(settings_);
  AddStore(settings_);
  AddPublish(settings_);
  AddDelivery(settings_);
  AddRetention(settings_, check_pattern);
  AddLifecycle(settings_);
  AddLimits(settings_);
  AddLogging(settings_);
}

std::vector<Setting> Registry::InSection(absl::string_view section) const {
  std::vector<Setting> found;
  for (const Setting& setting : settings_) {
    if (setting.section() == section) found.push_back(setting);
  }
  return found;
}

const Setting* Registry::Find(absl::string_view name) const {
  for (const Setting& setting : settings_) {
    if (setting.name() == name) return &setting;
  }
  return nullptr;
}

bool Registry::IsPrefix(absl::string_view path) const {
  const std::string prefix = absl::StrCat(path, ".");
  for (const Setting& setting : settings_) {
    if (absl::StartsWith(setting.name(), prefix)) return true;
  }
  return false;
}

std::string Registry::Suggestion(absl::string_view unknown) const {
  const absl::string_view last = unknown.substr(unknown.rfind('.') + 1);
  for (const ForeignName& foreign : foreign_names_) {
    if (last == foreign.name) {
      return foreign.setting.empty()
                 ? absl::StrCat("here it is ", absl::StrReplaceAll(foreign.meaning, {{"`", ""}}))
                 : absl::StrCat("did you mean ", foreign.setting, "?");
    }
  }
  std::vector<std::string> names;
  for (const Setting& setting : settings_) names.push_back(setting.name());
  std::string closest = ClosestTo(unknown, names);
  for (const std::string& name : names) {
    if (closest.empty() && absl::EndsWith(name, absl::StrCat(".", last))) closest = name;
  }
  return closest.empty() ? absl::StrCat("allowed here: ", absl::StrJoin(Beside(unknown), ", "))
                         : absl::StrCat("did you mean ", closest, "?");
}

std::vector<std::string> Registry::Beside(absl::string_view name) const {
  const absl::string_view section = name.substr(0, name.rfind('.') + 1);
  std::vector<std::string> parts;
  for (const Setting& setting : settings_) {
    absl::string_view rest = setting.name();
    if (name.rfind('.') != absl::string_view::npos && !absl::ConsumePrefix(&rest, section))
      continue;
    const std::string part(rest.substr(0, rest.find('.')));
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  return parts;
}

}  // namespace eventbus::settings
