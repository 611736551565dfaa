#include "client/cli/messages.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "eventbus/errors.h"

namespace eventbus::cli {
namespace {

absl::string_view Advice(const absl::Status& status) {
  switch (client::GetErrorReason(status)) {
    case v1::ERROR_REASON_GROUP_MISMATCH:
      return "use the group's own patterns, or another --group";
    case v1::ERROR_REASON_PUBLISH_QUEUE_FULL:
      return "publish slower, or try again";
    case v1::ERROR_REASON_STORE_FULL:
    case v1::ERROR_REASON_STREAM_FULL:
      return "wait for retention to make room, or have the limit raised";
    case v1::ERROR_REASON_DRAINING:
      return "the instance stops: try again";
    case v1::ERROR_REASON_NOT_STORED:
      return "it is certainly not stored: publish it again";
    case v1::ERROR_REASON_OUTCOME_UNKNOWN:
      return "it may or may not be stored: publish it again with the same --id";
    case v1::ERROR_REASON_NOT_IMPLEMENTED:
      return "this server cannot do it yet";
    default:
      break;
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "is eventbusd running there? Set --server or EVENTBUS_SERVER";
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "ask for access to it";
    default:
      return "";
  }
}

}  // namespace

void PrintError(absl::string_view text) {
  std::fprintf(stderr, "eventbusctl: %.*s\n", static_cast<int>(text.size()), text.data());
}

std::string Explain(const absl::Status& status) {
  std::string text = absl::StrCat(status.message());
  if (text.empty()) text = absl::StatusCodeToString(status.code());
  for (const client::FieldViolation& violation : client::GetFieldViolations(status)) {
    if (text.find(violation.field) == std::string::npos) {
      absl::StrAppend(&text, "\n  ", violation.field, ": ", violation.description);
    }
  }
  const absl::string_view advice = Advice(status);
  if (!advice.empty()) absl::StrAppend(&text, "\n  ", advice);
  return text;
}

}  // namespace eventbus::cli
