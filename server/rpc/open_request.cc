#include "server/rpc/open_request.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/broker/field_violation.h"
#include "server/broker/group_name.h"
#include "server/broker/pattern.h"
#include "server/broker/reason.h"
#include "server/rpc/attribute_filter.h"
#include "server/rpc/errors.h"
#include "server/rpc/group_policy.h"
#include "server/rpc/well_known_types.h"

namespace eventbus {
namespace {

constexpr int kMaxPatterns = 100;
constexpr int kMaxPositions = 1000;
constexpr size_t kMaxClientIdBytes = 255;
constexpr int kMaxClientProperties = 32;
constexpr size_t kMaxClientPropertyBytes = 255;
constexpr uint32_t kMaxBatchSize = 10'000;
constexpr absl::Duration kMaxBatchTimeout = absl::Minutes(1);
constexpr absl::Duration kMinHeartbeat = absl::Seconds(1);
constexpr absl::Duration kMaxHeartbeat = absl::Hours(1);

absl::string_view View(const std::string& text) { return absl::string_view(text); }

absl::Status ReadTail(const v1::TailSubscription& tail, OpenRequest* request) {
  request->tail = true;
  if (tail.patterns().empty()) {
    return InvalidField("open.tail.patterns", "at least one pattern is required");
  }
  if (tail.has_filter()) {
    absl::StatusOr<AttributeFilter> filter = ReadAttributeFilter("open.tail.filter", tail.filter());
    if (!filter.ok()) return filter.status();
    request->filter = *std::move(filter);
  }
  return ReadPatterns("open.tail.patterns", tail.patterns(), &request->patterns);
}

absl::Status ReadPositions(absl::string_view path, const v1::StartPosition::AfterPositions& after,
                           StartAfterPositions* result) {
  const std::string field = absl::StrCat(path, ".after.positions");
  if (after.positions().size() > kMaxPositions) {
    return InvalidField(field, absl::StrCat("has ", after.positions().size(), " streams, at most ",
                                            kMaxPositions, " are allowed"));
  }
  for (const auto& [stream, text] : after.positions()) {
    const absl::StatusOr<Position> position = Position::Parse(View(text));
    if (!position.ok()) {
      return InvalidRequest(
          Reason::kBadPosition,
          {{absl::StrCat(field, "[", stream, "]"),
            absl::StrCat(QuoteForMessage(View(text)), " is not a position of this broker")}},
          1);
    }
    result->positions.emplace(stream, *position);
  }
  if (!after.has_others_from()) return absl::OkStatus();
  absl::Time others_from;
  absl::Status status =
      ReadTimestamp(absl::StrCat(path, ".after.others_from"), after.others_from(), &others_from);
  result->others_from = others_from;
  return status;
}

absl::Status ReadBatch(const v1::BatchShape& batch, BatchShape* result) {
  if (batch.batch_size() > kMaxBatchSize) {
    return InvalidField(
        "open.batch.batch_size",
        absl::StrCat("is ", batch.batch_size(), ", must be from 0 to ", kMaxBatchSize));
  }
  result->size = batch.batch_size();
  if (!batch.has_batch_timeout()) return absl::OkStatus();
  return ReadDuration("open.batch.batch_timeout", batch.batch_timeout(), absl::ZeroDuration(),
                      kMaxBatchTimeout, &result->timeout);
}

absl::Status ReadClient(const v1::SubscribeOpen& open, OpenRequest* request) {
  if (absl::Status status = ReadClientId("open.client_id", open.client_id(), request);
      !status.ok()) {
    return status;
  }
  if (open.client_properties().size() > kMaxClientProperties) {
    return InvalidField(
        "open.client_properties",
        absl::StrCat("has ", open.client_properties().size(), " properties, at most ",
                     kMaxClientProperties, " are allowed"));
  }
  for (const auto& [key, value] : open.client_properties()) {
    if (key.size() > kMaxClientPropertyBytes || value.size() > kMaxClientPropertyBytes) {
      return InvalidField(
          absl::StrCat("open.client_properties[", QuoteForMessage(View(key)), "]"),
          absl::StrCat("key and value may have ", kMaxClientPropertyBytes, " bytes each"));
    }
    request->client_properties.emplace(key, value);
  }
  return absl::OkStatus();
}

absl::Status ReadTarget(const v1::SubscribeOpen& open, OpenRequest* request) {
  switch (open.target_case()) {
    case v1::SubscribeOpen::kGroup:
      return ReadGroupSubscription("open.group", open.group(), request);
    case v1::SubscribeOpen::kTail:
      return ReadTail(open.tail(), request);
    case v1::SubscribeOpen::TARGET_NOT_SET:
      break;
  }
  return InvalidField("open.target", "group or tail is required");
}

void ReadSession(const v1::SessionRequest& session, OpenRequest* request) {
  request->session = true;
  request->resume_token = session.resume_token();
  if (session.has_last_delivery()) request->last_delivery = session.last_delivery();
}

absl::Status CheckKind(const v1::SubscribeOpen& open, SubscriberCallKind kind) {
  if (kind == SubscriberCallKind::kReceive) {
    if (open.has_session()) return InvalidField("open.session", "has no meaning with Receive");
    if (open.answers_pings()) {
      return InvalidField("open.answers_pings", "has no meaning with Receive");
    }
  }
  if (open.has_session() && open.has_tail()) {
    return InvalidField("open.session", "has no meaning with a tail, which holds nothing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPatterns(absl::string_view path,
                          const google::protobuf::RepeatedPtrField<std::string>& patterns,
                          std::vector<std::string>* result) {
  if (patterns.size() > kMaxPatterns) {
    return InvalidField(path, absl::StrCat("has ", patterns.size(), " patterns, at most ",
                                           kMaxPatterns, " are allowed"));
  }
  for (int i = 0; i < patterns.size(); ++i) {
    const absl::StatusOr<Pattern> pattern = Pattern::Parse(patterns[i]);
    if (!pattern.ok()) {
      const auto why = pattern.status().message();
      return InvalidField(absl::StrCat(path, "[", i, "]"),
                          absl::string_view(why.data(), why.size()));
    }
    result->push_back(patterns[i]);
  }
  return absl::OkStatus();
}

absl::Status ReadGroupSubscription(absl::string_view path, const v1::GroupSubscription& group,
                                   OpenRequest* request) {
  request->group = group.name();
  request->ephemeral = group.ephemeral();
  request->update_group = group.update_group();
  request->revision = group.revision();
  if (!group.name().empty() || !group.ephemeral()) {
    const std::optional<FieldViolation> violation =
        CheckGroupName(View(group.name()), absl::StrCat(path, ".name"));
    if (violation.has_value()) return InvalidField(violation->field, violation->description);
  }
  if (group.name().empty() && group.patterns().empty()) {
    return InvalidField(absl::StrCat(path, ".patterns"), "is required where there is no name");
  }
  if (absl::Status status =
          ReadPatterns(absl::StrCat(path, ".patterns"), group.patterns(), &request->patterns);
      !status.ok()) {
    return status;
  }
  absl::StatusOr<GroupPolicyChange> policy =
      ReadGroupPolicy(absl::StrCat(path, ".policy"), group.policy());
  if (!policy.ok()) return policy.status();
  request->policy = *std::move(policy);
  return absl::OkStatus();
}

absl::Status ReadStartPosition(absl::string_view path, const v1::StartPosition& start,
                               StartPosition* result) {
  switch (start.start_case()) {
    case v1::StartPosition::kLatest:
    case v1::StartPosition::START_NOT_SET:
      *result = StartLatest{};
      return absl::OkStatus();
    case v1::StartPosition::kEarliest:
      *result = StartEarliest{};
      return absl::OkStatus();
    case v1::StartPosition::kTime: {
      StartAtTime at;
      absl::Status status = ReadTimestamp(absl::StrCat(path, ".time"), start.time(), &at.time);
      *result = at;
      return status;
    }
    case v1::StartPosition::kAfter: {
      StartAfterPositions after;
      absl::Status status = ReadPositions(path, start.after(), &after);
      *result = std::move(after);
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadClientId(absl::string_view path, const std::string& client_id,
                          OpenRequest* request) {
  request->client_id = client_id;
  if (client_id.size() <= kMaxClientIdBytes) return absl::OkStatus();
  return InvalidField(path, absl::StrCat("has ", client_id.size(), " bytes, at most ",
                                         kMaxClientIdBytes, " are allowed"));
}

absl::Status ReadFlowLimits(absl::string_view path, const v1::FlowLimits& limits,
                            const RpcOptions& options, FlowLimits* result) {
  if (limits.has_max_in_flight()) {
    result->max_in_flight = limits.max_in_flight();
    if (limits.max_in_flight() < 1 || limits.max_in_flight() > options.max_in_flight) {
      return InvalidField(absl::StrCat(path, ".max_in_flight"),
                          absl::StrCat("is ", limits.max_in_flight(), ", must be from 1 to ",
                                       options.max_in_flight, " (setting limits.max_in_flight)"));
    }
  }
  if (limits.has_max_in_flight_bytes()) {
    result->max_in_flight_bytes = limits.max_in_flight_bytes();
    if (limits.max_in_flight_bytes() < 1 ||
        limits.max_in_flight_bytes() > options.max_in_flight_bytes) {
      return InvalidField(
          absl::StrCat(path, ".max_in_flight_bytes"),
          absl::StrCat("is ", limits.max_in_flight_bytes(), ", must be from 1 to ",
                       options.max_in_flight_bytes, " (setting limits.max_in_flight_bytes)"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SubscriberRequest> ReadSubscribeOpen(const v1::SubscribeOpen& open,
                                                    SubscriberCallKind kind,
                                                    const RpcOptions& options) {
  SubscriberRequest request;
  request.open.tokens = kind == SubscriberCallKind::kReceive;
  request.open.flow.max_in_flight = options.default_max_in_flight;
  request.open.flow.max_in_flight_bytes = options.default_max_in_flight_bytes;
  request.heartbeat = options.heartbeat;
  request.answers_pings = open.answers_pings();

  absl::Status status = CheckKind(open, kind);
  if (status.ok()) status = ReadTarget(open, &request.open);
  if (status.ok()) status = ReadStartPosition("open.start", open.start(), &request.open.start);
  if (status.ok()) status = ReadFlowLimits("open.flow", open.flow(), options, &request.open.flow);
  if (status.ok()) status = ReadBatch(open.batch(), &request.open.batch);
  if (status.ok()) status = ReadClient(open, &request.open);
  if (open.has_session()) ReadSession(open.session(), &request.open);
  if (status.ok() && open.has_heartbeat()) {
    status = ReadDuration("open.heartbeat", open.heartbeat(), kMinHeartbeat, kMaxHeartbeat,
                          &request.heartbeat);
  }
  if (!status.ok()) return status;
  return request;
}

}  // namespace eventbus
