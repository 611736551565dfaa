#ifndef EVENTBUS_SERVER_BROKER_INSTANCE_REPORT_H_
#define EVENTBUS_SERVER_BROKER_INSTANCE_REPORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/subscriber_stats.h"

// What an instance tells the others of itself every few seconds, so that any of them can answer
// operators for all: as readable JSON (StreamStore::PutStats). Pure.
namespace eventbus {

// The subscribers of one group, or all tails, on one instance.
struct SubscriberTotals {
  uint64_t subscribers = 0;
  double delivered_per_second = 0;
  double failed_per_minute = 0;
  double acked_per_second = 0;

  void Add(const SubscriberStats& one);
  void Add(const SubscriberTotals& other);
  friend bool operator==(const SubscriberTotals&, const SubscriberTotals&) = default;
};

struct InstanceReport {
  std::string incarnation;
  std::string host;
  std::string address;
  std::string version;
  absl::Time started;
  bool draining = false;
  double published_per_second = 0;
  double delivered_per_second = 0;
  // By group; those with subscribers, or acks of late.
  std::map<std::string, SubscriberTotals> groups;
  SubscriberTotals tails;
  // One by one; with very many of them only the first.
  std::vector<SubscriberStats> subscribers;
  absl::Time as_of;

  uint64_t CountSubscribers() const;
};

// Subscribers that a report has one by one. Those beyond are in the totals alone.
inline constexpr size_t kMaxReportedSubscribers = 2'000;

// Leaves out subscribers beyond kMaxReportedSubscribers.
std::string ToJson(const InstanceReport& report);
// Unknown members are ignored, for a newer instance may have written them. DATA_LOSS if it is no
// report.
absl::StatusOr<InstanceReport> InstanceReportFromJson(absl::string_view incarnation,
                                                      absl::string_view json);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_INSTANCE_REPORT_H_
