#include "client/cpp/src/status.h"

#include <grpcpp/support/status.h>

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "eventbus/errors.h"
#include "eventbus/rpc/details.pb.h"
#include "eventbus/v1/broker.pb.h"

namespace eventbus::client {
namespace {

constexpr char kStatusUrl[] = "type.googleapis.com/google.rpc.Status";
constexpr char kUrlPrefix[] = "type.googleapis.com/google.rpc.";
constexpr absl::string_view kReasonPrefix = "ERROR_REASON_";

rpc::Status DetailsOf(const absl::Status& status) {
  rpc::Status details;
  if (const auto payload = status.GetPayload(kStatusUrl)) {
    if (!details.ParseFromString(std::string(*payload))) details.Clear();
  }
  return details;
}

template <typename Message>
bool FindDetail(const absl::Status& status, const char* name, Message& found) {
  const rpc::Status details = DetailsOf(status);
  for (const google::protobuf::Any& any : details.details()) {
    if (absl::EndsWith(any.type_url(), name)) return found.ParseFromString(any.value());
  }
  return false;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  if (!status.error_details().empty()) {
    result.SetPayload(kStatusUrl, absl::Cord(status.error_details()));
  }
  return result;
}

absl::Status FromEventError(const v1::EventError& error) {
  // A code of OK would turn a failure into a success.
  const auto code =
      error.code() == 0 ? absl::StatusCode::kUnknown : static_cast<absl::StatusCode>(error.code());
  absl::Status result(code, error.message());
  rpc::Status details;
  if (error.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    rpc::ErrorInfo info;
    info.set_domain("eventbus");
    info.set_reason(
        std::string(absl::StripPrefix(v1::ErrorReason_Name(error.reason()), kReasonPrefix)));
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url(std::string(kUrlPrefix) + "ErrorInfo");
    any.set_value(info.SerializeAsString());
  }
  if (!error.field().empty()) {
    rpc::BadRequest request;
    rpc::BadRequest::FieldViolation& violation = *request.add_field_violations();
    violation.set_field(error.field());
    violation.set_description(error.message());
    google::protobuf::Any& any = *details.add_details();
    any.set_type_url(std::string(kUrlPrefix) + "BadRequest");
    any.set_value(request.SerializeAsString());
  }
  if (details.details_size() > 0) {
    result.SetPayload(kStatusUrl, absl::Cord(details.SerializeAsString()));
  }
  return result;
}

bool IsPermanent(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

bool IsRetryableForEvent(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return GetErrorReason(status) == v1::ERROR_REASON_PUBLISH_QUEUE_FULL;
    default:
      return false;
  }
}

ErrorReason GetErrorReason(const absl::Status& status) {
  rpc::ErrorInfo info;
  ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (FindDetail(status, ".ErrorInfo", info) && info.domain() == "eventbus") {
    v1::ErrorReason_Parse(std::string(kReasonPrefix) + info.reason(), &reason);
  }
  return reason;
}

std::vector<FieldViolation> GetFieldViolations(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  rpc::BadRequest request;
  if (FindDetail(status, ".BadRequest", request)) {
    for (const auto& violation : request.field_violations()) {
      violations.push_back({violation.field(), violation.description()});
    }
  }
  return violations;
}

std::string GetErrorField(const absl::Status& status) {
  const std::vector<FieldViolation> violations = GetFieldViolations(status);
  return violations.empty() ? std::string() : violations.front().field;
}

std::string GetErrorMetadata(const absl::Status& status, absl::string_view key) {
  rpc::ErrorInfo info;
  if (!FindDetail(status, ".ErrorInfo", info)) return "";
  const auto found = info.metadata().find(std::string(key));
  return found == info.metadata().end() ? std::string() : found->second;
}

std::optional<absl::Duration> GetRetryDelay(const absl::Status& status) {
  rpc::RetryInfo info;
  if (!FindDetail(status, ".RetryInfo", info)) return std::nullopt;
  return absl::Seconds(info.retry_delay().seconds()) +
         absl::Nanoseconds(info.retry_delay().nanos());
}

}  // namespace eventbus::client
