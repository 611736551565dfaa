#include "server/broker/reason.h"

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

constexpr char kReasonUrl[] = "eventbus/reason";
constexpr char kFieldUrl[] = "eventbus/field";
constexpr char kMetadataUrl[] = "eventbus/metadata/";

std::string PayloadText(const absl::Status& status, absl::string_view url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, Reason reason, absl::string_view message,
                       const Metadata& metadata) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(absl::StrCat(static_cast<int>(reason))));
  for (const auto& [key, value] : metadata) {
    status.SetPayload(absl::StrCat(kMetadataUrl, key), absl::Cord(value));
  }
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidField,
                                  absl::StrCat(field, ": ", description));
  status.SetPayload(kFieldUrl, absl::Cord(field));
  return status;
}

Reason ReasonOf(const absl::Status& status) {
  int number = 0;
  if (!absl::SimpleAtoi(PayloadText(status, kReasonUrl), &number)) return Reason::kUnspecified;
  return static_cast<Reason>(number);
}

Metadata MetadataOf(const absl::Status& status) {
  Metadata metadata;
  status.ForEachPayload([&metadata](absl::string_view url, const absl::Cord& value) {
    if (!absl::StartsWith(url, kMetadataUrl)) return;
    metadata.emplace_back(std::string(url.substr(sizeof(kMetadataUrl) - 1)), std::string(value));
  });
  return metadata;
}

std::string FieldOf(const absl::Status& status) { return PayloadText(status, kFieldUrl); }

}  // namespace eventbus
