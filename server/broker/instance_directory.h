#ifndef EVENTBUS_SERVER_BROKER_INSTANCE_DIRECTORY_H_
#define EVENTBUS_SERVER_BROKER_INSTANCE_DIRECTORY_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/broker/context.h"
#include "server/broker/instance_report.h"
#include "server/broker/lifetime.h"
#include "server/broker/membership.h"
#include "server/broker/page_request.h"

namespace eventbus {

struct InstanceView {
  std::string instance_id;
  InstanceState state = InstanceState::kUnknown;
  // By the store's clock. Infinite past: of the instance that answers, or not seen to move.
  absl::Time last_heartbeat = absl::InfinitePast();
  bool answering = false;
  // As far as it has told.
  InstanceReport report;
};

struct InstancePage {
  // By id.
  std::vector<InstanceView> instances;
  // Empty: no more follow.
  std::string next;
};

// The subscribers of groups, by the groups' names.
using GroupTotals = std::map<std::string, SubscriberTotals>;

struct SubscriberQuery {
  // Empty: all subscribers, tails included.
  std::string group;
  // Empty: of all instances.
  std::string instance_id;
  PageRequest page;
};

struct SubscriberPage {
  // Of all that fit the query.
  SubscriberTotals totals;
  // By subscription id.
  std::vector<SubscriberStats> subscribers;
  // Empty: no more follow.
  std::string next;
};

// InstanceDirectory answers operators about the instances on this store and who subscribes where:
// of this instance as it is now, of the others as they have told lately.
//
// Owned by the broker. Loop thread only.
class InstanceDirectory {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  // `own`: this instance's report. All must outlive it.
  InstanceDirectory(const Context* context, const Membership* membership,
                    std::function<InstanceReport()> own);

  void List(PageRequest page, Done<InstancePage> done);
  void ListSubscribers(SubscriberQuery query, Done<SubscriberPage> done);
  // By group, over all instances; only groups with subscribers or acks of late.
  void CountByGroup(Done<GroupTotals> done);

 private:
  // Of all instances that serve, this one first.
  void Gather(Done<std::vector<InstanceReport>> done);
  bool Serves(const InstanceReport& report) const;

  const Context* const context_;
  const Membership* const membership_;
  const std::function<InstanceReport()> own_;
  Lifetime lifetime_;
};

// The page of the reports' subscribers that the query asks for. Pure.
SubscriberPage PageOf(const std::vector<InstanceReport>& reports, const SubscriberQuery& query);

}  // namespace eventbus

#endif  // EVENTBUS_SERVER_BROKER_INSTANCE_DIRECTORY_H_
