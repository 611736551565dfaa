#include "server/rpc/admin_streams.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/broker/entry_time.h"
#include "server/broker/event_type.h"
#include "server/broker/field_violation.h"
#include "server/broker/reason.h"
#include "server/broker/stream_admin.h"
#include "server/rpc/admin_call.h"
#include "server/rpc/admin_fields.h"
#include "server/rpc/open_request.h"
#include "server/rpc/page.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::StatusOr<StreamQuery> ReadListStreams(const v1::ListStreamsRequest& request) {
  StreamQuery query;
  absl::Status status = ReadPatterns("patterns", request.patterns(), &query.patterns);
  if (!status.ok()) return status;
  absl::StatusOr<PageRequest> page = ReadPage(request.page_size(), View(request.page_token()));
  if (!page.ok()) return page.status();
  query.page = *std::move(page);
  return query;
}

void WriteRetention(const StreamPolicy& policy, v1::StreamRetention* retention) {
  if (policy.ttl != absl::InfiniteDuration()) {
    *retention->mutable_ttl() = WriteDuration(policy.ttl);
  }
  retention->set_max_bytes(policy.max_bytes);
  retention->set_max_events(policy.max_events);
}

void WriteStream(const StreamView& view, v1::Stream* stream) {
  stream->set_stream(view.type.stream);
  stream->set_type(view.type.stream);
  if (view.type.born > absl::UnixEpoch()) {
    *stream->mutable_create_time() = WriteTimestamp(view.type.born);
  }
  stream->set_events(view.info.events);
  stream->set_events_estimated(!view.info.exact);
  stream->set_bytes(view.info.bytes);
  if (view.first.has_value()) {
    stream->set_first_position(view.first->ToString());
    *stream->mutable_first_stored_time() = WriteTimestamp(TimeOf(view.first->entry));
  }
  if (view.last.has_value()) {
    stream->set_last_position(view.last->ToString());
    *stream->mutable_last_stored_time() = WriteTimestamp(TimeOf(view.last->entry));
  }
  stream->set_events_per_second(view.events_per_second);
  stream->set_groups(view.groups);
  WriteRetention(view.policy, stream->mutable_retention());
}

absl::StatusOr<PurgeCommand> ReadPurgeStream(const v1::PurgeStreamRequest& request) {
  using Extent = PurgeCommand::Extent;
  PurgeCommand command;
  command.stream = request.stream();
  command.dry_run = request.dry_run();
  if (absl::Status status = CheckStream("stream", request.stream()); !status.ok()) return status;
  switch (request.extent_case()) {
    case v1::PurgeStreamRequest::kBeforePosition: {
      command.extent = Extent::kBefore;
      const absl::StatusOr<Position> position =
          ReadPosition("before_position", View(request.before_position()));
      if (!position.ok()) return position.status();
      command.before = position->entry;
      return command;
    }
    case v1::PurgeStreamRequest::kBeforeTime: {
      command.extent = Extent::kBefore;
      absl::Time time;
      absl::Status status = ReadTimestamp("before_time", request.before_time(), &time);
      if (!status.ok()) return status;
      command.before = FirstSince(time);
      return command;
    }
    case v1::PurgeStreamRequest::kAll:
      if (!request.all()) return InvalidField("all", "must be true if it is set");
      command.extent = Extent::kAll;
      return command;
    case v1::PurgeStreamRequest::kDeleteStream:
      if (!request.delete_stream())
        return InvalidField("delete_stream", "must be true if it is set");
      command.extent = Extent::kStream;
      return command;
    case v1::PurgeStreamRequest::EXTENT_NOT_SET:
      break;
  }
  return InvalidField("extent", "before_position, before_time, all or delete_stream is required");
}

}  // namespace

UnaryReactor* StartListStreams(const RpcContext& rpc, CallContext* context,
                               const v1::ListStreamsRequest* request,
                               v1::ListStreamsResponse* response) {
  return RunAdminCall<StreamPage>(
      rpc, context, "ListStreams", ReadListStreams(*request),
      [](Broker& broker, StreamQuery query, AdminDone<StreamPage> done) {
        broker.streams().List(std::move(query), std::move(done));
      },
      [response](const StreamPage& page) {
        for (const StreamView& view : page.streams) WriteStream(view, response->add_streams());
        response->set_next_page_token(WritePageToken(View(page.next)));
      });
}

UnaryReactor* StartPurgeStream(const RpcContext& rpc, CallContext* context,
                               const v1::PurgeStreamRequest* request,
                               v1::PurgeStreamResponse* response) {
  return RunAdminCall<PurgeResult>(
      rpc, context, "PurgeStream", ReadPurgeStream(*request),
      [](Broker& broker, PurgeCommand command, AdminDone<PurgeResult> done) {
        broker.streams().Purge(std::move(command), std::move(done));
      },
      [response](const PurgeResult& result) {
        response->set_purged_events(result.events);
        for (const auto& [group, events] : result.unsettled) {
          (*response->mutable_unsettled_events())[group] = events;
        }
      });
}

}  // namespace eventbus
