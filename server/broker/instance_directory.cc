#include "server/broker/instance_directory.h"

#include <algorithm>
#include <map>
#include <utility>

namespace eventbus {
namespace {

// Of an instance that is not known yet: a report this old is no sign of life.
constexpr absl::Duration kFresh = absl::Seconds(15);

std::map<std::string, InstanceReport> Read(const std::vector<InstanceStats>& all) {
  std::map<std::string, InstanceReport> reports;
  for (const InstanceStats& one : all) {
    absl::StatusOr<InstanceReport> report = InstanceReportFromJson(one.incarnation, one.stats);
    if (report.ok()) reports.emplace(one.incarnation, *std::move(report));
  }
  return reports;
}

}  // namespace

InstanceDirectory::InstanceDirectory(const Context* context, const Membership* membership,
                                     std::function<InstanceReport()> own)
    : context_(context), membership_(membership), own_(std::move(own)) {}

// ---- Instances ----

void InstanceDirectory::List(PageRequest page, Done<InstancePage> done) {
  context_->store->ListStats(
      lifetime_.Guard([this, page = std::move(page), done = std::move(done)](
                          const absl::StatusOr<std::vector<InstanceStats>>& stats) mutable {
        if (!stats.ok()) return done(stats.status());
        std::map<std::string, InstanceReport> reports = Read(*stats);
        reports[context_->incarnation] = own_();
        InstancePage result;
        for (const SeenInstance& seen : membership_->Seen()) {
          if (seen.incarnation <= page.after) continue;
          if (result.instances.size() >= page.size) {
            result.next = result.instances.back().instance_id;
            break;
          }
          InstanceView& view = result.instances.emplace_back();
          view.instance_id = seen.incarnation;
          view.state = seen.state;
          view.answering = seen.incarnation == context_->incarnation;
          if (!view.answering) view.last_heartbeat = context_->store_clock.At(seen.moved_at);
          const auto report = reports.find(seen.incarnation);
          if (report != reports.end()) view.report = std::move(report->second);
          const bool serves = view.state == InstanceState::kAlive;
          if (serves && view.report.draining) view.state = InstanceState::kDraining;
        }
        done(std::move(result));
      }));
}

bool InstanceDirectory::Serves(const InstanceReport& report) const {
  for (const SeenInstance& seen : membership_->Seen()) {
    if (seen.incarnation != report.incarnation) continue;
    return seen.state != InstanceState::kLeft && seen.state != InstanceState::kDead;
  }
  // It may have just started.
  return context_->StoreNow() - report.as_of < kFresh;
}

void InstanceDirectory::Gather(Done<std::vector<InstanceReport>> done) {
  context_->store->ListStats(
      lifetime_.Guard([this, done = std::move(done)](
                          const absl::StatusOr<std::vector<InstanceStats>>& stats) mutable {
        if (!stats.ok()) return done(stats.status());
        std::vector<InstanceReport> reports = {own_()};
        for (auto& [incarnation, report] : Read(*stats)) {
          if (incarnation == context_->incarnation || !Serves(report)) continue;
          reports.push_back(std::move(report));
        }
        done(std::move(reports));
      }));
}

// ---- Subscribers ----

void InstanceDirectory::CountByGroup(Done<GroupTotals> done) {
  Gather(
      [done = std::move(done)](const absl::StatusOr<std::vector<InstanceReport>>& reports) mutable {
        if (!reports.ok()) return done(reports.status());
        GroupTotals groups;
        for (const InstanceReport& report : *reports) {
          for (const auto& [name, totals] : report.groups) groups[name].Add(totals);
        }
        done(std::move(groups));
      });
}

void InstanceDirectory::ListSubscribers(SubscriberQuery query, Done<SubscriberPage> done) {
  Gather([query = std::move(query), done = std::move(done)](
             const absl::StatusOr<std::vector<InstanceReport>>& reports) mutable {
    if (!reports.ok()) return done(reports.status());
    done(PageOf(*reports, query));
  });
}

SubscriberPage PageOf(const std::vector<InstanceReport>& reports, const SubscriberQuery& query) {
  SubscriberPage page;
  std::vector<const SubscriberStats*> fitting;
  for (const InstanceReport& report : reports) {
    if (!query.instance_id.empty() && report.incarnation != query.instance_id) continue;
    // From the totals, which are whole also where the subscribers are not.
    if (query.group.empty()) page.totals.Add(report.tails);
    for (const auto& [name, totals] : report.groups) {
      if (query.group.empty() || name == query.group) page.totals.Add(totals);
    }
    for (const SubscriberStats& one : report.subscribers) {
      if (!query.group.empty() && one.group != query.group) continue;
      if (one.subscription_id > query.page.after) fitting.push_back(&one);
    }
  }
  std::sort(fitting.begin(), fitting.end(), [](const auto* left, const auto* right) {
    return left->subscription_id < right->subscription_id;
  });
  for (const SubscriberStats* one : fitting) {
    if (page.subscribers.size() >= query.page.size) {
      page.next = page.subscribers.back().subscription_id;
      break;
    }
    page.subscribers.push_back(*one);
  }
  return page;
}

}  // namespace eventbus
