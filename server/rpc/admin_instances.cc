#include "server/rpc/admin_instances.h"

#include <optional>
#include <string>
#include <utility>

#include "server/broker/field_violation.h"
#include "server/broker/group_name.h"
#include "server/broker/instance_directory.h"
#include "server/broker/reason.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/page.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

absl::string_view View(const std::string& text) { return absl::string_view(text); }

v1::InstanceState WriteState(InstanceState state) {
  switch (state) {
    case InstanceState::kUnknown:
      return v1::INSTANCE_STATE_UNSPECIFIED;
    case InstanceState::kAlive:
      return v1::INSTANCE_STATE_ALIVE;
    case InstanceState::kDraining:
      return v1::INSTANCE_STATE_DRAINING;
    case InstanceState::kLeft:
      return v1::INSTANCE_STATE_LEFT;
    case InstanceState::kDead:
      return v1::INSTANCE_STATE_DEAD;
  }
  return v1::INSTANCE_STATE_UNSPECIFIED;
}

void WriteInstance(const InstanceView& view, v1::Instance* instance) {
  const InstanceReport& report = view.report;
  instance->set_instance_id(view.instance_id);
  instance->set_host(report.host);
  instance->set_address(report.address);
  instance->set_version(report.version);
  instance->set_state(WriteState(view.state));
  if (report.started > absl::UnixEpoch()) {
    *instance->mutable_start_time() = WriteTimestamp(report.started);
  }
  if (view.last_heartbeat > absl::UnixEpoch()) {
    *instance->mutable_last_heartbeat_time() = WriteTimestamp(view.last_heartbeat);
  }
  instance->set_subscribers(static_cast<uint32_t>(report.CountSubscribers()));
  instance->set_groups(static_cast<uint32_t>(report.groups.size()));
  instance->set_published_per_second(report.published_per_second);
  instance->set_delivered_per_second(report.delivered_per_second);
  instance->set_answering(view.answering);
}

v1::SubscriberKind KindOf(const SubscriberStats& stats) {
  if (stats.group.empty()) {
    return stats.receive ? v1::SUBSCRIBER_KIND_RECEIVE_TAIL : v1::SUBSCRIBER_KIND_TAIL;
  }
  return stats.receive ? v1::SUBSCRIBER_KIND_RECEIVE_GROUP : v1::SUBSCRIBER_KIND_GROUP;
}

void WriteSubscriber(const SubscriberStats& stats, v1::SubscriberStats* subscriber) {
  subscriber->set_subscription_id(stats.subscription_id);
  subscriber->set_client_id(stats.client_id);
  for (const auto& [key, value] : stats.client_properties) {
    (*subscriber->mutable_client_properties())[key] = value;
  }
  subscriber->set_peer(stats.peer);
  subscriber->set_instance_id(stats.instance_id);
  subscriber->set_group(stats.group);
  for (const std::string& pattern : stats.patterns) subscriber->add_patterns(pattern);
  subscriber->set_kind(KindOf(stats));
  subscriber->set_in_flight(stats.in_flight);
  subscriber->set_in_flight_bytes(stats.in_flight_bytes);
  subscriber->mutable_flow()->set_max_in_flight(stats.flow.max_in_flight);
  subscriber->mutable_flow()->set_max_in_flight_bytes(stats.flow.max_in_flight_bytes);
  subscriber->set_delivered_events(stats.delivered_events);
  subscriber->set_acked_events(stats.acked_events);
  subscriber->set_failed_events(stats.failed_events);
  subscriber->set_events_per_second(stats.events_per_second);
  subscriber->set_errors_per_minute(stats.errors_per_minute);
  *subscriber->mutable_connect_time() = WriteTimestamp(stats.connected);
  *subscriber->mutable_last_activity_time() = WriteTimestamp(stats.last_activity);
  *subscriber->mutable_as_of() = WriteTimestamp(stats.as_of);
}

absl::StatusOr<SubscriberQuery> ReadGetSubscriberStats(
    const v1::GetSubscriberStatsRequest& request) {
  SubscriberQuery query;
  query.group = request.group();
  query.instance_id = request.instance_id();
  if (!query.group.empty()) {
    const std::optional<FieldViolation> violation = CheckGroupName(View(query.group), "group");
    if (violation.has_value()) return InvalidField(violation->field, violation->description);
  }
  absl::StatusOr<PageRequest> page = ReadPage(request.page_size(), View(request.page_token()));
  if (!page.ok()) return page.status();
  query.page = *std::move(page);
  return query;
}

}  // namespace

UnaryReactor* StartListInstances(const RpcContext& rpc, CallContext* context,
                                 const v1::ListInstancesRequest* request,
                                 v1::ListInstancesResponse* response) {
  return RunAdminCall<InstancePage>(
      rpc, context, "ListInstances", ReadPage(request->page_size(), View(request->page_token())),
      [](Broker& broker, PageRequest page, AdminDone<InstancePage> done) {
        broker.instances().List(std::move(page), std::move(done));
      },
      [response](const InstancePage& page) {
        for (const InstanceView& view : page.instances) {
          WriteInstance(view, response->add_instances());
        }
        response->set_next_page_token(WritePageToken(View(page.next)));
      });
}

UnaryReactor* StartGetSubscriberStats(const RpcContext& rpc, CallContext* context,
                                      const v1::GetSubscriberStatsRequest* request,
                                      v1::GetSubscriberStatsResponse* response) {
  return RunAdminCall<SubscriberPage>(
      rpc, context, "GetSubscriberStats", ReadGetSubscriberStats(*request),
      [](Broker& broker, SubscriberQuery query, AdminDone<SubscriberPage> done) {
        broker.instances().ListSubscribers(std::move(query), std::move(done));
      },
      [response](const SubscriberPage& page) {
        response->set_active_subscribers(page.totals.subscribers);
        response->set_events_per_second(page.totals.delivered_per_second);
        response->set_errors_per_minute(page.totals.failed_per_minute);
        for (const SubscriberStats& stats : page.subscribers) {
          WriteSubscriber(stats, response->add_subscribers());
        }
        response->set_next_page_token(WritePageToken(View(page.next)));
      });
}

}  // namespace eventbus
