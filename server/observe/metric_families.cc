// What Prometheus sees: name, help, type and labels of every metric, and where its value is.
#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/observe/build_info.h"
#include "server/observe/instruments.h"
#include "server/observe/metrics.h"
#include "server/observe/process_stats.h"

namespace eventbus {

using Labels = std::vector<prometheus::ClientMetric::Label>;

namespace {

// The values of each label, in the order of its enum.
constexpr std::array<const char*, static_cast<std::size_t>(PublishError::kCount)> kPublishErrors = {
    "invalid",  "queue_full", "store_full",      "limit",
    "draining", "not_stored", "outcome_unknown", "internal"};
constexpr std::array<const char*, static_cast<std::size_t>(SubscriberKind::kCount)>
    kSubscriberKinds = {"group", "tail", "receive"};
constexpr std::array<const char*, static_cast<std::size_t>(DropReason::kCount)> kDropReasons = {
    "ttl", "max_bytes", "max_events", "settled", "memory", "purged"};
constexpr std::array<const char*, static_cast<std::size_t>(RedisRisk::kCount)> kRedisRisks = {
    "eviction", "no_append_only_file"};
constexpr std::array<const char*, RpcMetrics::kCodes> kCodes = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

prometheus::ClientMetric Sample(prometheus::MetricType type, double value, Labels labels = {}) {
  prometheus::ClientMetric sample;
  sample.label = std::move(labels);
  if (type == prometheus::MetricType::Counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
  return sample;
}

}  // namespace

// Collects one scrape.
class MetricFamilies {
 public:
  static std::vector<prometheus::MetricFamily> Of(const Metrics& metrics) {
    MetricFamilies all;
    all.AddPublishing(metrics);
    all.AddDelivering(metrics);
    all.AddStore(metrics);
    all.AddServer(metrics);
    all.AddProcess();
    return std::move(all.families_);
  }

 private:
  void AddPublishing(const Metrics& m) {
    Add("eventbus_published_events_total", "Events stored and confirmed.", m.published_events);
    Add("eventbus_published_bytes_total", "Encoded size of the events stored and confirmed.",
        m.published_bytes);
    Add("eventbus_publish_errors_total", "Events that were not published, by reason.", "reason",
        kPublishErrors, m.publish_errors);
    Add("eventbus_publish_duplicates_total",
        "Events that were there already, within the duplicate window.", m.publish_duplicates);
    Add("eventbus_delayed_events", "Events that wait for their delivery time, of all instances.",
        m.delayed_events);
    Add("eventbus_expired_events_total",
        "Events dropped undelivered because they had expired, once per group.", m.expired_events);
    Add("eventbus_delayed_moved_events_total",
        "Delayed events that this instance has moved into their streams when they were due.",
        m.delayed_moved_events);
    Add("eventbus_publish_latency_seconds", "From a publish request's arrival to its answer.",
        m.publish_latency);
    Add("eventbus_publish_queue_events", "Events waiting in front of the store.",
        m.publish_queue_events);
    Add("eventbus_publish_queue_bytes", "Bytes waiting in front of the store.",
        m.publish_queue_bytes);
  }

  void AddDelivering(const Metrics& m) {
    Add("eventbus_delivered_events_total", "Events handed to subscribers, redeliveries included.",
        m.delivered_events);
    Add("eventbus_delivered_bytes_total", "Encoded size of the events handed to subscribers.",
        m.delivered_bytes);
    Add("eventbus_acked_events_total", "Deliveries acked.", m.acked_events);
    Add("eventbus_released_events_total", "Deliveries given back without being handled.",
        m.released_events);
    Add("eventbus_filtered_events_total",
        "Events that the filters of groups and tails have left out.", m.filtered_events);
    Add("eventbus_nacked_events_total", "Deliveries nacked.", m.nacked_events);
    Add("eventbus_deadline_passed_events_total", "Deliveries not settled before the ack deadline.",
        m.deadline_passed_events);
    Add("eventbus_rejected_events_total", "Deliveries rejected.", m.rejected_events);
    Add("eventbus_dead_letters_total", "Events that became dead letters.", m.dead_letters);
    Add("eventbus_dropped_dead_letters_total", "Dead letters that their own retention dropped.",
        m.dropped_dead_letters);
    Add("eventbus_given_up_events_total",
        "Events dropped after their last attempt, in groups without dead letters.",
        m.given_up_events);
    Add("eventbus_retrying_events", "Events waiting for their retries.", m.retrying_events);
    Add("eventbus_settles_unknown_total", "Settles of deliveries that are not in flight.",
        m.unknown_settles);
    Add("eventbus_in_flight_events", "Events delivered and not settled.", m.in_flight_events);
    Add("eventbus_in_flight_bytes", "Encoded size of the events delivered and not settled.",
        m.in_flight_bytes);
    Add("eventbus_unread_events",
        "Events that groups served here have not read yet; an estimate, seconds old.",
        m.unread_events);
    Add("eventbus_stalled_groups",
        "Groups served here that deliver nothing though events wait and subscribers have room.",
        m.stalled_groups);
    Add("eventbus_subscribers", "Open subscriptions, by kind.", "kind", kSubscriberKinds,
        m.subscribers);
  }

  void AddStore(const Metrics& m) {
    Add("eventbus_groups", "Consumer groups.", m.groups);
    Add("eventbus_streams", "Streams.", m.streams);
    Add("eventbus_stored_events", "Events in the store.", m.stored_events);
    Add("eventbus_stored_bytes", "Bytes in the store.", m.stored_bytes);
    Add("eventbus_store_up", "1 if the store answers, else 0.", m.store_up);
    Add("eventbus_redis_risk",
        "1 if Redis is set up so that it may lose confirmed events, by risk.", "risk", kRedisRisks,
        m.redis_risks);
    Add("eventbus_dropped_events_total", "Events that retention dropped, by reason.", "reason",
        kDropReasons, m.dropped_events);
    Add("eventbus_lost_unsettled_events_total",
        "Events dropped before a group had settled them, once per group.", m.lost_unsettled_events);
  }

  void AddServer(const Metrics& m) {
    Add("eventbus_loop_turn_seconds", "Work of one turn of the broker's loop.", m.loop_turn);
    Add("eventbus_loop_lag_seconds", "How late the loop ran what was due.", m.loop_lag);

    prometheus::MetricFamily& rpcs =
        NewFamily("eventbus_rpc_requests_total", "Finished RPCs, by method and gRPC status code.",
                  prometheus::MetricType::Counter);
    const std::lock_guard<std::mutex> lock(m.rpc_mutex_);
    for (const auto& [method, rpc] : m.rpc_) {
      for (std::size_t code = 0; code < kCodes.size(); ++code) {
        const std::uint64_t count = rpc.finished(code).value();
        // OK is there from the start, so that a rate over it has a zero to begin with.
        if (count == 0 && code != 0) continue;
        rpcs.metric.push_back(Sample(rpcs.type, static_cast<double>(count),
                                     {{"method", method}, {"code", kCodes[code]}}));
      }
    }
  }

  void AddProcess() {
    const BuildInfo build = GetBuildInfo();
    AddValue("eventbus_build_info", "Always 1; its labels say which build this is.",
             prometheus::MetricType::Gauge, 1,
             {{"version", std::string(build.version)},
              {"commit", std::string(build.commit)},
              {"compiler", std::string(build.compiler)},
              {"build_type", std::string(build.build_type)}});

    const ProcessStats process = ReadProcessStats();
    AddValue("process_cpu_seconds_total", "User and system CPU time.",
             prometheus::MetricType::Counter, process.cpu_seconds);
    const std::vector<std::pair<std::pair<const char*, const char*>, double>> gauges = {
        {{"process_resident_memory_bytes", "Resident memory."}, process.resident_memory_bytes},
        {{"process_virtual_memory_bytes", "Virtual memory."}, process.virtual_memory_bytes},
        {{"process_open_fds", "Open file descriptors."}, process.open_fds},
        {{"process_max_fds", "The most file descriptors allowed."}, process.max_fds},
        {{"process_threads", "Threads."}, process.threads},
        {{"process_start_time_seconds", "Start, in seconds since the Unix epoch."},
         process.start_time_seconds},
    };
    for (const auto& [text, value] : gauges) {
      AddValue(text.first, text.second, prometheus::MetricType::Gauge, value);
    }
  }

  prometheus::MetricFamily& NewFamily(const char* name, const char* help,
                                      prometheus::MetricType type) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = type;
    return family;
  }

  void AddValue(const char* name, const char* help, prometheus::MetricType type, double value,
                Labels labels = {}) {
    NewFamily(name, help, type).metric.push_back(Sample(type, value, std::move(labels)));
  }

  void Add(const char* name, const char* help, const Counter& counter) {
    AddValue(name, help, prometheus::MetricType::Counter, static_cast<double>(counter.value()));
  }

  void Add(const char* name, const char* help, const Gauge& gauge) {
    AddValue(name, help, prometheus::MetricType::Gauge, static_cast<double>(gauge.value()));
  }

  void Add(const char* name, const char* help, const Histogram& histogram) {
    const Histogram::Snapshot snapshot = histogram.Read();
    prometheus::ClientMetric sample;
    for (std::size_t i = 0; i < snapshot.cumulative.size(); ++i) {
      const bool last = i == snapshot.bounds_seconds.size();
      sample.histogram.bucket.push_back(
          {snapshot.cumulative[i],
           last ? std::numeric_limits<double>::infinity() : snapshot.bounds_seconds[i]});
    }
    sample.histogram.sample_count = snapshot.cumulative.back();
    sample.histogram.sample_sum = snapshot.sum_seconds;
    NewFamily(name, help, prometheus::MetricType::Histogram).metric.push_back(std::move(sample));
  }

  template <typename Instrument, typename Label>
  void Add(const char* name, const char* help, const char* label,
           const std::array<const char*, static_cast<std::size_t>(Label::kCount)>& values,
           const PerLabel<Instrument, Label>& instruments) {
    constexpr bool kIsCounter = std::is_same_v<Instrument, Counter>;
    prometheus::MetricFamily& family = NewFamily(
        name, help, kIsCounter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(instruments[static_cast<Label>(i)].value());
      family.metric.push_back(Sample(family.type, value, {{label, values[i]}}));
    }
  }

  std::vector<prometheus::MetricFamily> families_;
};

std::string Metrics::TextFormat() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, MetricFamilies::Of(*this));
  return text.str();
}

}  // namespace eventbus
