#include "server/rpc/errors.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "eventbus/rpc/details.pb.h"
#include "eventbus/v1/errors.pb.h"

namespace eventbus {
namespace {

constexpr char kDomain[] = "eventbus";
constexpr absl::string_view kReasonPrefix = "ERROR_REASON_";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";
// A status travels in headers, of which stock clients take 8 KiB in all. Past this, fields are
// named without saying what is wrong with them.
constexpr size_t kMaxDescriptionBytes = 1536;
constexpr size_t kMaxMessageBytes = 768;

constexpr bool Agree(Reason ours, v1::ErrorReason theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(Agree(Reason::kUnspecified, v1::ERROR_REASON_UNSPECIFIED));
static_assert(Agree(Reason::kInvalidField, v1::ERROR_REASON_INVALID_FIELD));
static_assert(Agree(Reason::kMalformed, v1::ERROR_REASON_MALFORMED));
static_assert(Agree(Reason::kTooLarge, v1::ERROR_REASON_TOO_LARGE));
static_assert(Agree(Reason::kOutOfTurn, v1::ERROR_REASON_OUT_OF_TURN));
static_assert(Agree(Reason::kNotImplemented, v1::ERROR_REASON_NOT_IMPLEMENTED));
static_assert(Agree(Reason::kNotStored, v1::ERROR_REASON_NOT_STORED));
static_assert(Agree(Reason::kOutcomeUnknown, v1::ERROR_REASON_OUTCOME_UNKNOWN));
static_assert(Agree(Reason::kPublishQueueFull, v1::ERROR_REASON_PUBLISH_QUEUE_FULL));
static_assert(Agree(Reason::kStoreFull, v1::ERROR_REASON_STORE_FULL));
static_assert(Agree(Reason::kStreamFull, v1::ERROR_REASON_STREAM_FULL));
static_assert(Agree(Reason::kTooManyTypes, v1::ERROR_REASON_TOO_MANY_TYPES));
static_assert(Agree(Reason::kPositionMismatch, v1::ERROR_REASON_POSITION_MISMATCH));
static_assert(Agree(Reason::kAtomicAcrossStreams, v1::ERROR_REASON_ATOMIC_ACROSS_STREAMS));
static_assert(Agree(Reason::kGroupNotFound, v1::ERROR_REASON_GROUP_NOT_FOUND));
static_assert(Agree(Reason::kGroupMismatch, v1::ERROR_REASON_GROUP_MISMATCH));
static_assert(Agree(Reason::kTooManyGroups, v1::ERROR_REASON_TOO_MANY_GROUPS));
static_assert(Agree(Reason::kGroupChanged, v1::ERROR_REASON_GROUP_CHANGED));
static_assert(Agree(Reason::kTooManySubscribers, v1::ERROR_REASON_TOO_MANY_SUBSCRIBERS));
static_assert(Agree(Reason::kGroupExists, v1::ERROR_REASON_GROUP_EXISTS));
static_assert(Agree(Reason::kGroupInUse, v1::ERROR_REASON_GROUP_IN_USE));
static_assert(Agree(Reason::kSessionResumed, v1::ERROR_REASON_SESSION_RESUMED));
static_assert(Agree(Reason::kStreamNotFound, v1::ERROR_REASON_STREAM_NOT_FOUND));
static_assert(Agree(Reason::kBadPosition, v1::ERROR_REASON_BAD_POSITION));
static_assert(Agree(Reason::kDraining, v1::ERROR_REASON_DRAINING));
static_assert(Agree(Reason::kStoreUnavailable, v1::ERROR_REASON_STORE_UNAVAILABLE));
static_assert(Agree(Reason::kHeartbeatMissed, v1::ERROR_REASON_HEARTBEAT_MISSED));
static_assert(Agree(Reason::kInternal, v1::ERROR_REASON_INTERNAL));
static_assert(v1::ErrorReason_MAX == v1::ERROR_REASON_INTERNAL, "Reason lacks a new value");

std::string ReasonName(Reason reason) {
  const std::string& name = v1::ErrorReason_Name(static_cast<v1::ErrorReason>(reason));
  return std::string(absl::StripPrefix(name, kReasonPrefix));
}

// How long to wait before calling again; nothing where the same call cannot succeed by waiting, or
// where another instance is the better answer.
std::optional<absl::Duration> RetryDelay(Reason reason) {
  switch (reason) {
    case Reason::kPublishQueueFull:
      return absl::Milliseconds(100);
    case Reason::kNotStored:
    case Reason::kStoreUnavailable:
    case Reason::kOutcomeUnknown:
      return absl::Seconds(1);
    case Reason::kStoreFull:
    case Reason::kStreamFull:
      return absl::Seconds(10);
    case Reason::kDraining:
      return absl::ZeroDuration();
    default:
      return std::nullopt;
  }
}

// `events[3].type` → `events[3]`.
absl::string_view FirstElement(absl::string_view path) { return path.substr(0, path.find('.')); }

void SetBadRequest(const std::vector<FieldViolation>& violations, absl::Status* status) {
  rpc::BadRequest details;
  size_t bytes = 0;
  for (const FieldViolation& violation : violations) {
    if (static_cast<size_t>(details.field_violations_size()) == kMaxFieldViolations) break;
    rpc::BadRequest::FieldViolation& field = *details.add_field_violations();
    bytes += violation.field.size() + violation.description.size();
    // The first one always goes in full.
    if (bytes <= kMaxDescriptionBytes || details.field_violations_size() == 1) {
      field.set_field(violation.field);
      field.set_description(violation.description);
    } else {
      field.set_field(std::string(FirstElement(violation.field)));
      field.set_description("is wrong too");
    }
  }
  status->SetPayload(kBadRequestUrl, absl::Cord(details.SerializeAsString()));
}

// Cut at the start of a character, so that it stays UTF-8.
std::string CutToFit(absl::string_view text) {
  if (text.size() <= kMaxMessageBytes) return std::string(text);
  size_t end = kMaxMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "…");
}

// `events[3].type` → `type`: EventError speaks of one event.
std::string FieldOfEvent(absl::string_view path) {
  const size_t dot = path.find('.');
  const bool of_event = absl::StartsWith(path, "events[") || absl::StartsWith(path, "event.");
  if (!of_event) return std::string(path);
  return dot == absl::string_view::npos ? std::string() : std::string(path.substr(dot + 1));
}

// The first field that is wrong; empty if the error is not about fields.
std::string FirstField(const absl::Status& status) {
  const auto payload = status.GetPayload(kBadRequestUrl);
  if (!payload.has_value()) return FieldOf(status);
  rpc::BadRequest details;
  if (!details.ParseFromString(std::string(*payload)) || details.field_violations().empty()) {
    return "";
  }
  return details.field_violations(0).field();
}

void AddDetail(absl::string_view url, std::string value, rpc::Status* status) {
  google::protobuf::Any& any = *status->add_details();
  any.set_type_url(std::string(url));
  any.set_value(std::move(value));
}

}  // namespace

absl::Status InvalidRequest(Reason reason, const std::vector<FieldViolation>& violations,
                            size_t count, const Metadata& metadata) {
  std::string message = violations.front().ToString();
  if (count > 1) absl::StrAppend(&message, " (and ", count - 1, " more)");
  absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, reason, message, metadata);
  SetBadRequest(violations, &status);
  return status;
}

absl::Status MalformedRequest(absl::string_view description) {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kMalformed, description);
}

FieldViolation TooLargeViolation(absl::string_view field, absl::string_view what, uint64_t actual,
                                 uint64_t limit, absl::string_view setting) {
  return {std::string(field), absl::StrCat("has ", actual, " ", what, ", at most ", limit,
                                           " are allowed (setting ", setting, ")")};
}

Metadata TooLargeMetadata(uint64_t limit, absl::string_view setting) {
  return {{"limit", absl::StrCat(limit)}, {"setting", std::string(setting)}};
}

absl::Status UnimplementedRpc(absl::string_view rpc) {
  return MakeError(
      absl::StatusCode::kUnimplemented, Reason::kNotImplemented,
      absl::StrCat(rpc, " is not implemented in this version of the server; upgrade the server"),
      {{"rpc", std::string(rpc)}});
}

absl::Status UnimplementedField(absl::string_view field) {
  return MakeError(
      absl::StatusCode::kUnimplemented, Reason::kNotImplemented,
      absl::StrCat(field,
                   " is not implemented in this version of the server; leave it unset, "
                   "or upgrade the server"),
      {{"field", std::string(field)}});
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message =
      CutToFit(absl::string_view(status.message().data(), status.message().size()));
  rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);

  const auto bad_request = status.GetPayload(kBadRequestUrl);
  if (bad_request.has_value()) {
    AddDetail(kBadRequestUrl, std::string(*bad_request), &details);
  } else if (const std::string field = FieldOf(status); !field.empty()) {
    absl::Status with_field = status;
    SetBadRequest({{field, std::string(absl::StripPrefix(message, absl::StrCat(field, ": ")))}},
                  &with_field);
    AddDetail(kBadRequestUrl, std::string(*with_field.GetPayload(kBadRequestUrl)), &details);
  }

  const Reason reason = ReasonOf(status);
  if (reason != Reason::kUnspecified) {
    rpc::ErrorInfo info;
    info.set_reason(ReasonName(reason));
    info.set_domain(kDomain);
    for (const auto& [key, value] : MetadataOf(status)) (*info.mutable_metadata())[key] = value;
    AddDetail(kErrorInfoUrl, info.SerializeAsString(), &details);
  }
  if (const std::optional<absl::Duration> delay = RetryDelay(reason); delay.has_value()) {
    rpc::RetryInfo retry;
    const absl::Duration whole = absl::Floor(*delay, absl::Seconds(1));
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(whole));
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(*delay - whole)));
    AddDetail(kRetryInfoUrl, retry.SerializeAsString(), &details);
  }
  return {static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString()};
}

v1::EventError ToEventError(const absl::Status& status) {
  v1::EventError error;
  error.set_code(static_cast<int>(status.code()));
  error.set_reason(static_cast<v1::ErrorReason>(ReasonOf(status)));
  error.set_message(CutToFit(absl::string_view(status.message().data(), status.message().size())));
  error.set_field(FieldOfEvent(FirstField(status)));
  return error;
}

}  // namespace eventbus
