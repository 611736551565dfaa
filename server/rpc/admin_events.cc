#include "server/rpc/admin_events.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/broker/entry_time.h"
#include "server/broker/event_history.h"
#include "server/broker/event_type.h"
#include "server/broker/field_violation.h"
#include "server/broker/group_event_state.h"
#include "server/broker/recent_events.h"
#include "server/broker/recorded_event.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/admin_fields.h"
#include "server/rpc/attribute_filter.h"
#include "server/rpc/errors.h"
#include "server/rpc/open_request.h"
#include "server/rpc/page.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

static_assert(static_cast<int>(EventProgress::kUnknown) == v1::EVENT_STATE_UNSPECIFIED);
static_assert(static_cast<int>(EventProgress::kWaiting) == v1::EVENT_STATE_WAITING);
static_assert(static_cast<int>(EventProgress::kInFlight) == v1::EVENT_STATE_IN_FLIGHT);
static_assert(static_cast<int>(EventProgress::kRetrying) == v1::EVENT_STATE_RETRYING);
static_assert(static_cast<int>(EventProgress::kAcked) == v1::EVENT_STATE_ACKED);
static_assert(static_cast<int>(EventProgress::kDeadLetter) == v1::EVENT_STATE_DEAD_LETTER);
static_assert(static_cast<int>(EventProgress::kFilteredOut) == v1::EVENT_STATE_FILTERED_OUT);

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::StatusOr<RecentQuery> ReadGetRecentEvents(const v1::GetRecentEventsRequest& request,
                                                CallContext* context) {
  RecentQuery query;
  absl::Status status = ReadPatterns("patterns", request.patterns(), &query.patterns);
  if (!status.ok()) return status;
  if (request.has_since()) {
    status = ReadTimestamp("since", request.since(), &query.since);
    if (!status.ok()) return status;
  }
  if (request.has_filter()) {
    absl::StatusOr<AttributeFilter> filter = ReadAttributeFilter("filter", request.filter());
    if (!filter.ok()) return filter.status();
    query.filter = *std::move(filter);
  }
  absl::StatusOr<PageRequest> page = ReadPage(request.page_size(), View(request.page_token()));
  if (!page.ok()) return page.status();
  query.max_events = page->size;
  if (!page->after.empty()) {
    absl::StatusOr<RecentPlace> after = RecentPlace::Parse(View(page->after));
    if (!after.ok()) return InvalidField("page_token", "is no next_page_token of this call");
    query.after = *std::move(after);
  }
  query.cancelled = CancelledIn(context);
  return query;
}

void WriteEvent(const RecordedEvent& recorded, v1::RecordedEvent* message) {
  message->set_stream(recorded.stream);
  message->set_position(recorded.position.ToString());
  *message->mutable_stored_time() = WriteTimestamp(TimeOf(recorded.position.entry));
  const absl::string_view event = recorded.Event();
  message->mutable_event()->ParseFromArray(event.data(), static_cast<int>(event.size()));
}

absl::StatusOr<EventQuery> ReadPlace(const v1::GetEventRequest::EventPlace& place) {
  absl::Status status = CheckStream("place.stream", place.stream());
  if (!status.ok()) return status;
  if (place.position().empty()) return InvalidField("place.position", "is required");
  absl::StatusOr<Position> position = ReadPosition("place.position", View(place.position()));
  if (!position.ok()) return position.status();
  return EventPlace{place.stream(), *position};
}

absl::StatusOr<EventQuery> ReadIdentity(const v1::GetEventRequest::EventIdentity& identity,
                                        CallContext* context) {
  EventName name;
  name.type = identity.type();
  name.id = identity.id();
  name.source = identity.source();
  absl::Status status = CheckStream("identity.type", identity.type());
  if (!status.ok()) return status;
  if (identity.id().empty()) return InvalidField("identity.id", "is required");
  if (identity.has_since()) {
    status = ReadTimestamp("identity.since", identity.since(), &name.since);
    if (!status.ok()) return status;
  }
  if (identity.has_until()) {
    status = ReadTimestamp("identity.until", identity.until(), &name.until);
    if (!status.ok()) return status;
  }
  name.cancelled = CancelledIn(context);
  return name;
}

absl::StatusOr<EventQuery> ReadGetEvent(const v1::GetEventRequest& request, CallContext* context) {
  switch (request.by_case()) {
    case v1::GetEventRequest::kPlace:
      return ReadPlace(request.place());
    case v1::GetEventRequest::kIdentity:
      return ReadIdentity(request.identity(), context);
    case v1::GetEventRequest::BY_NOT_SET:
      break;
  }
  return InvalidField("by", "place or identity is required");
}

void WriteState(const std::string& group, const GroupEventState& state,
                v1::GroupEventState* message) {
  message->set_group(group);
  message->set_state(static_cast<v1::EventState>(state.progress));
  message->set_attempt(state.attempt);
  message->set_times_delivered(state.times_delivered);
  message->set_subscription_id(state.subscription_id);
  message->set_instance_id(state.instance_id);
  if (state.due.has_value()) *message->mutable_due_time() = WriteTimestamp(*state.due);
  message->set_last_reason(state.last_reason);
}

}  // namespace

UnaryReactor* StartGetRecentEvents(const RpcContext& rpc, CallContext* context,
                                   const v1::GetRecentEventsRequest* request,
                                   v1::GetRecentEventsResponse* response) {
  return RunAdminCall<RecentPage>(
      rpc, context, "GetRecentEvents", ReadGetRecentEvents(*request, context),
      [](Broker& broker, RecentQuery query, AdminDone<RecentPage> done) {
        broker.recent_events().List(std::move(query), std::move(done));
      },
      [response](const RecentPage& page) {
        for (const RecordedEvent& event : page.events) WriteEvent(event, response->add_events());
        if (!page.more || page.events.empty()) return;
        const RecordedEvent& last = page.events.back();
        const std::string next = RecentPlace{last.stream, last.position}.ToString();
        response->set_next_page_token(WritePageToken(View(next)));
      });
}

UnaryReactor* StartGetEvent(const RpcContext& rpc, CallContext* context,
                            const v1::GetEventRequest* request, v1::GetEventResponse* response) {
  return RunAdminCall<EventView>(
      rpc, context, "GetEvent", ReadGetEvent(*request, context),
      [](Broker& broker, EventQuery query, AdminDone<EventView> done) {
        broker.event_history().Get(std::move(query), std::move(done));
      },
      [response](const EventView& view) {
        WriteEvent(view.event, response->mutable_event());
        response->set_further_matches(view.further_matches);
        for (const auto& [group, state] : view.groups) {
          WriteState(group, state, response->add_groups());
        }
      });
}

}  // namespace eventbus
