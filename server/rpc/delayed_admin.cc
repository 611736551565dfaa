#include "server/rpc/delayed_admin.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/broker/delayed_list.h"
#include "server/broker/entry_reader.h"
#include "server/broker/reason.h"
#include "server/broker/schedule_id.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/errors.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr int kMaxPatterns = 100;
constexpr int32_t kMaxPageSize = 1'000;
constexpr int32_t kDefaultPageSize = 100;

absl::Status ReadPatterns(const v1::ListDelayedRequest& request,
                          std::optional<PatternSet>* patterns) {
  if (request.patterns_size() == 0) return absl::OkStatus();
  if (request.patterns_size() > kMaxPatterns) {
    return InvalidField("patterns",
                        absl::StrCat("has ", request.patterns_size(), " patterns, at most ",
                                     kMaxPatterns, " are allowed"));
  }
  const std::vector<std::string> texts(request.patterns().begin(), request.patterns().end());
  absl::StatusOr<PatternSet> parsed = PatternSet::Parse(texts);
  if (!parsed.ok()) return InvalidField("patterns", parsed.status().message());
  *patterns = *std::move(parsed);
  return absl::OkStatus();
}

absl::StatusOr<DelayedQuery> ReadQuery(const v1::ListDelayedRequest& request) {
  DelayedQuery query;
  if (absl::Status status = ReadPatterns(request, &query.patterns); !status.ok()) return status;
  if (request.has_due_before()) {
    absl::Status status = ReadTimestamp("due_before", request.due_before(), &query.due_before);
    if (!status.ok()) return status;
  }
  const int32_t size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  if (size < 1 || size > kMaxPageSize) {
    return InvalidField("page_size",
                        absl::StrCat("is ", size, ", must be from 1 to ", kMaxPageSize));
  }
  query.max_events = static_cast<uint32_t>(size);
  if (request.page_token().empty()) return query;
  absl::StatusOr<DelayedCursor> after = DelayedCursor::Parse(request.page_token());
  if (!after.ok()) return InvalidField("page_token", after.status().message());
  query.after = *std::move(after);
  return query;
}

void Write(const ListedDelayed& listed, v1::DelayedEvent* message) {
  message->set_schedule_id(ScheduleId{listed.stream, listed.event.id}.ToString());
  message->set_stream(listed.stream);
  *message->mutable_due_time() = WriteTimestamp(listed.event.due);
  *message->mutable_stored_time() = WriteTimestamp(listed.event.stored);
  EntryReader reader(listed.event.frame.view());
  FramedEvent event;
  if (!reader.Next(&event)) return;
  message->mutable_event()->ParseFromArray(event.event.data(),
                                           static_cast<int>(event.event.size()));
}

}  // namespace

UnaryReactor* StartListDelayed(const RpcContext& rpc, CallContext* context,
                               const v1::ListDelayedRequest* request,
                               v1::ListDelayedResponse* response) {
  return RunAdminCall<DelayedPage>(
      rpc, context, "ListDelayed", ReadQuery(*request),
      [](Broker& broker, DelayedQuery query, AdminDone<DelayedPage> done) {
        broker.ListDelayed(std::move(query), std::move(done));
      },
      [response](const DelayedPage& page) {
        for (const ListedDelayed& listed : page.events) Write(listed, response->add_events());
        if (!page.more || page.events.empty()) return;
        const ListedDelayed& last = page.events.back();
        const DelayedCursor next = {last.event.due, {last.stream, last.event.id}};
        response->set_next_page_token(next.ToString());
      });
}

UnaryReactor* StartCancelDelayed(const RpcContext& rpc, CallContext* context,
                                 const v1::CancelDelayedRequest* request,
                                 v1::CancelDelayedResponse* response) {
  absl::StatusOr<ScheduleId> id = ScheduleId::Parse(request->schedule_id());
  if (!id.ok()) id = InvalidField("schedule_id", id.status().message());
  return RunAdminCall<ListedDelayed>(
      rpc, context, "CancelDelayed", std::move(id),
      [](Broker& broker, ScheduleId which, AdminDone<ListedDelayed> done) {
        broker.CancelDelayed(std::move(which), std::move(done));
      },
      [response](const ListedDelayed& cancelled) {
        Write(cancelled, response->mutable_cancelled());
      });
}

}  // namespace eventbus
