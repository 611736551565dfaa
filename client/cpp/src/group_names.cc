#include "client/cpp/src/group_names.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace eventbus::client {
namespace {

constexpr size_t kMaxServiceBytes = 100;
constexpr size_t kMaxGroupNameBytes = 255;

bool IsServiceCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':' ||
         c == '-';
}

}  // namespace

absl::Status CheckServiceName(absl::string_view service) {
  if (service.size() <= kMaxServiceBytes &&
      std::all_of(service.begin(), service.end(), IsServiceCharacter)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("service: \"", service, "\" is not 1 to ",
                                                 kMaxServiceBytes, " of A-Z a-z 0-9 _ . : -"));
}

absl::StatusOr<std::string> DurableGroupName(absl::string_view service,
                                             std::vector<std::string> patterns) {
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  std::string name =
      absl::StrCat(service, "/", absl::StrReplaceAll(absl::StrJoin(patterns, ":"), {{"+", "/1"}}));
  if (name.size() > kMaxGroupNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the group's name made of the service and its ", patterns.size(),
                     " patterns is longer than ", kMaxGroupNameBytes,
                     " bytes: set SubscribeOptions::group to a name of your own"));
  }
  return name;
}

absl::Status GroupNames::Take(const std::string& group) {
  absl::MutexLock lock(&mutex_);
  if (taken_.insert(group).second) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      "this client is already subscribed as group \"", group,
      "\": two subscriptions of one group share its events, each gets a part of them. For a second "
      "handler that gets every event, set SubscribeOptions::group to another name"));
}

void GroupNames::Leave(const std::string& group) {
  absl::MutexLock lock(&mutex_);
  taken_.erase(group);
}

}  // namespace eventbus::client
