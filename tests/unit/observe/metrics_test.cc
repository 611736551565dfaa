// What a scrape shows, held against the golden list and the manual.
#include "server/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace eventbus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string FileOfTheProject(const char* path) {
  std::ifstream file(absl::StrCat(EVENTBUS_SOURCE_DIR, "/", path));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Family {
  std::string name;
  std::string type;
  std::map<std::string, std::set<std::string>> labels;  // Label to the values seen.
};

// Reads Prometheus' text format; labels of a histogram's buckets are left out.
std::vector<Family> Parse(const std::string& text) {
  std::vector<Family> families;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    if (words[0] == "#" && words[1] == "TYPE") families.push_back({words[2], words[3], {}});
    const std::size_t open = line.find('{');
    if (words[0] == "#" || open == absl::string_view::npos) continue;
    const absl::string_view labels = line.substr(open + 1, line.rfind('}') - open - 1);
    for (const absl::string_view label : absl::StrSplit(labels, ',')) {
      const std::vector<std::string> parts = absl::StrSplit(label, '"');
      const std::string name = parts[0].substr(0, parts[0].size() - 1);
      if (name != "le") families.back().labels[name].insert(parts[1]);
    }
  }
  return families;
}

// One line a metric: name, type, labels. A label whose values are open shows as *.
std::string GoldenList(const std::vector<Family>& families) {
  const std::set<std::string> open = {"method", "code",     "version",
                                      "commit", "compiler", "build_type"};
  std::vector<std::string> lines;
  for (const Family& family : families) {
    std::string line = absl::StrCat(family.name, " ", family.type);
    for (const auto& [label, values] : family.labels) {
      absl::StrAppend(&line, " ", label, "=", open.count(label) ? "*" : absl::StrJoin(values, "|"));
    }
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return absl::StrJoin(lines, "\n") + "\n";
}

TEST(MetricsTest, TheGoldenListIsWhatAScrapeShows) {
  Metrics metrics;
  metrics.Rpc("eventbus.v1.EventBus/Publish").Finished(0);
  EXPECT_EQ(GoldenList(Parse(metrics.TextFormat())), FileOfTheProject("tests/golden/metrics.txt"))
      << "Dashboards and alerts name these. A change goes into tests/golden/metrics.txt, "
         "docs/metrics.md and CHANGELOG.md.";
}

TEST(MetricsTest, EveryMetricAndLabelStandsInTheManual) {
  Metrics metrics;
  metrics.Rpc("eventbus.v1.EventBus/Publish").Finished(0);
  const std::string manual = FileOfTheProject("docs/metrics.md");
  for (const Family& family : Parse(metrics.TextFormat())) {
    std::string entry = absl::StrCat("| `", family.name, "` | ", family.type, " |");
    EXPECT_THAT(manual, HasSubstr(entry));
    for (const auto& [label, values] : family.labels) {
      EXPECT_THAT(manual, HasSubstr(absl::StrCat("`", label, "`")));
    }
  }
  // And nothing that is not there.
  for (const absl::string_view line : absl::StrSplit(manual, '\n')) {
    if (!absl::StartsWith(line, "| `eventbus_") && !absl::StartsWith(line, "| `process_")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, '`');
    EXPECT_THAT(metrics.TextFormat(), HasSubstr(absl::StrCat("# TYPE ", cells[1], " ")));
  }
}

TEST(MetricsTest, EachMemberShowsUnderItsName) {
  Metrics m;
  const std::vector<std::pair<Counter*, const char*>> counters = {
      {&m.published_events, "eventbus_published_events_total"},
      {&m.published_bytes, "eventbus_published_bytes_total"},
      {&m.publish_errors[PublishError::kInvalid],
       "eventbus_publish_errors_total{reason=\"invalid\"}"},
      {&m.publish_errors[PublishError::kQueueFull],
       "eventbus_publish_errors_total{reason=\"queue_full\"}"},
      {&m.publish_errors[PublishError::kStoreFull],
       "eventbus_publish_errors_total{reason=\"store_full\"}"},
      {&m.publish_errors[PublishError::kLimit], "eventbus_publish_errors_total{reason=\"limit\"}"},
      {&m.publish_errors[PublishError::kDraining],
       "eventbus_publish_errors_total{reason=\"draining\"}"},
      {&m.publish_errors[PublishError::kNotStored],
       "eventbus_publish_errors_total{reason=\"not_stored\"}"},
      {&m.publish_errors[PublishError::kOutcomeUnknown],
       "eventbus_publish_errors_total{reason=\"outcome_unknown\"}"},
      {&m.publish_errors[PublishError::kInternal],
       "eventbus_publish_errors_total{reason=\"internal\"}"},
      {&m.delivered_events, "eventbus_delivered_events_total"},
      {&m.delivered_bytes, "eventbus_delivered_bytes_total"},
      {&m.acked_events, "eventbus_acked_events_total"},
      {&m.released_events, "eventbus_released_events_total"},
      {&m.filtered_events, "eventbus_filtered_events_total"},
      {&m.unknown_settles, "eventbus_settles_unknown_total"},
      {&m.dropped_events[DropReason::kTtl], "eventbus_dropped_events_total{reason=\"ttl\"}"},
      {&m.dropped_events[DropReason::kMaxBytes],
       "eventbus_dropped_events_total{reason=\"max_bytes\"}"},
      {&m.dropped_events[DropReason::kMaxEvents],
       "eventbus_dropped_events_total{reason=\"max_events\"}"},
      {&m.dropped_events[DropReason::kMemory], "eventbus_dropped_events_total{reason=\"memory\"}"},
      {&m.lost_unsettled_events, "eventbus_lost_unsettled_events_total"},
  };
  const std::vector<std::pair<Gauge*, const char*>> gauges = {
      {&m.publish_queue_events, "eventbus_publish_queue_events"},
      {&m.publish_queue_bytes, "eventbus_publish_queue_bytes"},
      {&m.in_flight_events, "eventbus_in_flight_events"},
      {&m.in_flight_bytes, "eventbus_in_flight_bytes"},
      {&m.subscribers[SubscriberKind::kGroup], "eventbus_subscribers{kind=\"group\"}"},
      {&m.subscribers[SubscriberKind::kTail], "eventbus_subscribers{kind=\"tail\"}"},
      {&m.subscribers[SubscriberKind::kReceive], "eventbus_subscribers{kind=\"receive\"}"},
      {&m.groups, "eventbus_groups"},
      {&m.streams, "eventbus_streams"},
      {&m.stored_events, "eventbus_stored_events"},
      {&m.stored_bytes, "eventbus_stored_bytes"},
      {&m.store_up, "eventbus_store_up"},
  };
  // A different value for each, so that no two can be swapped.
  int value = 100;
  std::vector<std::string> expected;
  for (const auto& [counter, name] : counters) {
    counter->Increment(static_cast<std::uint64_t>(++value));
    expected.push_back(absl::StrCat("\n", name, " ", value, "\n"));
  }
  for (const auto& [gauge, name] : gauges) {
    gauge->Set(++value);
    expected.push_back(absl::StrCat("\n", name, " ", value, "\n"));
  }
  const std::string text = m.TextFormat();
  for (const std::string& line : expected) EXPECT_THAT(text, HasSubstr(line));
}

TEST(MetricsTest, HistogramsShowBucketsSumAndCount) {
  Metrics metrics;
  metrics.publish_latency.Observe(absl::Microseconds(100));
  metrics.publish_latency.Observe(absl::Hours(1));
  const std::string text = metrics.TextFormat();
  EXPECT_THAT(text, HasSubstr("eventbus_publish_latency_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("eventbus_publish_latency_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("eventbus_publish_latency_seconds_bucket{le=\"0.000128\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("eventbus_loop_turn_seconds_count 0\n"));
}

TEST(MetricsTest, RpcsCountByMethodAndCode) {
  Metrics metrics;
  RpcMetrics& publish = metrics.Rpc("eventbus.v1.EventBus/Publish");
  EXPECT_EQ(&publish, &metrics.Rpc("eventbus.v1.EventBus/Publish"));
  publish.Finished(0);
  publish.Finished(3);
  publish.Finished(3);
  publish.Finished(99);  // No code of gRPC's.
  publish.Finished(-1);
  const std::string text = metrics.TextFormat();
  const std::string name = "eventbus_rpc_requests_total{method=\"eventbus.v1.EventBus/Publish\"";
  EXPECT_THAT(text, HasSubstr(name + ",code=\"OK\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + ",code=\"INVALID_ARGUMENT\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + ",code=\"UNKNOWN\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("UNAVAILABLE")));
}

TEST(MetricsTest, TheProcessIsMeasured) {
  const std::string text = Metrics().TextFormat();
  EXPECT_THAT(text, HasSubstr("eventbus_build_info{version=\"0."));
  for (const char* name :
       {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
        "process_max_fds", "process_threads", "process_start_time_seconds"}) {
    EXPECT_THAT(text, Not(HasSubstr(absl::StrCat("\n", name, " 0\n"))));
  }
}

}  // namespace
}  // namespace eventbus
