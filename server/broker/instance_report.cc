#include "server/broker/instance_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace eventbus {
namespace {

using Json = nlohmann::json;

absl::Time TimeIn(const Json& json, const char* name) {
  return absl::FromUnixMillis(json.value(name, int64_t{0}));
}

Json TotalsJson(const SubscriberTotals& totals) {
  return {{"subscribers", totals.subscribers},
          {"delivered_per_second", totals.delivered_per_second},
          {"failed_per_minute", totals.failed_per_minute},
          {"acked_per_second", totals.acked_per_second}};
}

SubscriberTotals TotalsIn(const Json& json) {
  SubscriberTotals totals;
  totals.subscribers = json.value("subscribers", uint64_t{0});
  totals.delivered_per_second = json.value("delivered_per_second", 0.0);
  totals.failed_per_minute = json.value("failed_per_minute", 0.0);
  totals.acked_per_second = json.value("acked_per_second", 0.0);
  return totals;
}

// Client ids and properties are what clients sent: bytes that are no UTF-8 must not end in an
// error.
Json SubscriberJson(const SubscriberStats& stats) {
  return {{"id", stats.subscription_id},
          {"client_id", stats.client_id},
          {"properties", stats.client_properties},
          {"peer", stats.peer},
          {"group", stats.group},
          {"patterns", stats.patterns},
          {"receive", stats.receive},
          {"max_in_flight", stats.flow.max_in_flight},
          {"max_in_flight_bytes", stats.flow.max_in_flight_bytes},
          {"in_flight", stats.in_flight},
          {"in_flight_bytes", stats.in_flight_bytes},
          {"delivered", stats.delivered_events},
          {"acked", stats.acked_events},
          {"failed", stats.failed_events},
          {"events_per_second", stats.events_per_second},
          {"errors_per_minute", stats.errors_per_minute},
          {"connected_ms", absl::ToUnixMillis(stats.connected)},
          {"last_activity_ms", absl::ToUnixMillis(stats.last_activity)}};
}

SubscriberStats SubscriberIn(const Json& json) {
  SubscriberStats stats;
  stats.subscription_id = json.value("id", "");
  stats.client_id = json.value("client_id", "");
  stats.client_properties = json.value("properties", std::map<std::string, std::string>());
  stats.peer = json.value("peer", "");
  stats.group = json.value("group", "");
  stats.patterns = json.value("patterns", std::vector<std::string>());
  stats.receive = json.value("receive", false);
  stats.flow.max_in_flight = json.value("max_in_flight", uint32_t{0});
  stats.flow.max_in_flight_bytes = json.value("max_in_flight_bytes", uint64_t{0});
  stats.in_flight = json.value("in_flight", uint64_t{0});
  stats.in_flight_bytes = json.value("in_flight_bytes", uint64_t{0});
  stats.delivered_events = json.value("delivered", uint64_t{0});
  stats.acked_events = json.value("acked", uint64_t{0});
  stats.failed_events = json.value("failed", uint64_t{0});
  stats.events_per_second = json.value("events_per_second", 0.0);
  stats.errors_per_minute = json.value("errors_per_minute", 0.0);
  stats.connected = TimeIn(json, "connected_ms");
  stats.last_activity = TimeIn(json, "last_activity_ms");
  return stats;
}

}  // namespace

void SubscriberTotals::Add(const SubscriberStats& one) {
  ++subscribers;
  delivered_per_second += one.events_per_second;
  failed_per_minute += one.errors_per_minute;
}

void SubscriberTotals::Add(const SubscriberTotals& other) {
  subscribers += other.subscribers;
  delivered_per_second += other.delivered_per_second;
  failed_per_minute += other.failed_per_minute;
  acked_per_second += other.acked_per_second;
}

uint64_t InstanceReport::CountSubscribers() const {
  uint64_t count = tails.subscribers;
  for (const auto& [name, totals] : groups) count += totals.subscribers;
  return count;
}

std::string ToJson(const InstanceReport& report) {
  Json groups = Json::object();
  for (const auto& [name, totals] : report.groups) groups[name] = TotalsJson(totals);
  Json subscribers = Json::array();
  for (const SubscriberStats& stats : report.subscribers) {
    if (subscribers.size() >= kMaxReportedSubscribers) break;
    subscribers.push_back(SubscriberJson(stats));
  }
  const Json json = {{"host", report.host},
                     {"address", report.address},
                     {"version", report.version},
                     {"started_ms", absl::ToUnixMillis(report.started)},
                     {"draining", report.draining},
                     {"published_per_second", report.published_per_second},
                     {"delivered_per_second", report.delivered_per_second},
                     {"groups", groups},
                     {"tails", TotalsJson(report.tails)},
                     {"subscribers", subscribers},
                     {"as_of_ms", absl::ToUnixMillis(report.as_of)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<InstanceReport> InstanceReportFromJson(absl::string_view incarnation,
                                                      absl::string_view text) {
  // The library reports malformed input by exceptions; they end here.
  try {
    const Json json = Json::parse(text.begin(), text.end());
    InstanceReport report;
    report.incarnation = std::string(incarnation);
    report.host = json.value("host", "");
    report.address = json.value("address", "");
    report.version = json.value("version", "");
    report.started = TimeIn(json, "started_ms");
    report.draining = json.value("draining", false);
    report.published_per_second = json.value("published_per_second", 0.0);
    report.delivered_per_second = json.value("delivered_per_second", 0.0);
    const Json groups = json.value("groups", Json::object());
    for (const auto& [name, totals] : groups.items()) {
      report.groups.emplace(name, TotalsIn(totals));
    }
    report.tails = TotalsIn(json.value("tails", Json::object()));
    report.as_of = TimeIn(json, "as_of_ms");
    const Json subscribers = json.value("subscribers", Json::array());
    for (const Json& one : subscribers) {
      SubscriberStats& stats = report.subscribers.emplace_back(SubscriberIn(one));
      stats.instance_id = report.incarnation;
      stats.as_of = report.as_of;
    }
    return report;
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("not the report of an instance: ", error.what()));
  }
}

}  // namespace eventbus
