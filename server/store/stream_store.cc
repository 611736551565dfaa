#include "server/store/stream_store.h"

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace eventbus {
namespace {

// Marks a status whose effect may have happened.
constexpr char kOutcomeUnknownUrl[] = "eventbus/outcome-unknown";

// No type has a slash.
constexpr char kSide[] = "/side/";

}  // namespace

std::string GroupKey::ToString() const { return absl::StrCat(name, "@", generation); }

std::string SideStreamOf(absl::string_view stream, absl::string_view group) {
  return absl::StrCat(stream, kSide, group);
}

bool IsSideStream(absl::string_view stream) { return absl::StrContains(stream, kSide); }

absl::string_view OriginOf(absl::string_view stream) {
  return stream.substr(0, stream.find(kSide));
}

GroupKey SideGroupOf(absl::string_view group) { return {std::string(group), 0}; }

absl::Status NotDoneError(absl::string_view what) { return absl::UnavailableError(what); }

absl::Status OutcomeUnknownError(absl::string_view what) {
  absl::Status status = absl::UnavailableError(what);
  status.SetPayload(kOutcomeUnknownUrl, absl::Cord());
  return status;
}

bool IsOutcomeUnknown(const absl::Status& status) {
  return status.GetPayload(kOutcomeUnknownUrl).has_value();
}

}  // namespace eventbus
