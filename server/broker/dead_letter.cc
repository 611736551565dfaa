#include "server/broker/dead_letter.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace eventbus {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<DeadLetterCause, const char*>, 4> kCauses = {{
    {DeadLetterCause::kNacked, "nacked"},
    {DeadLetterCause::kDeadline, "deadline"},
    {DeadLetterCause::kRejected, "rejected"},
    {DeadLetterCause::kCrashes, "crashes"},
}};

const char* NameOf(DeadLetterCause cause) {
  for (const auto& [known, name] : kCauses) {
    if (known == cause) return name;
  }
  return "";
}

DeadLetterCause CauseNamed(const std::string& text) {
  for (const auto& [cause, name] : kCauses) {
    if (text == name) return cause;
  }
  return DeadLetterCause::kNacked;
}

}  // namespace

std::string DeadLetterDetails::ToJson() const {
  const Json json = {{"position", position.ToString()},
                     {"cause", NameOf(cause)},
                     {"reasons", reasons},
                     {"attempts", attempts},
                     {"times_delivered", times_delivered},
                     {"first_delivery_ms", first_delivery_ms},
                     {"dead_ms", dead_ms},
                     {"redriven", redriven},
                     {"instance", instance},
                     {"subscriber", subscriber}};
  // Reasons come from clients through protobuf and are valid UTF-8, but may have been cut.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<DeadLetterDetails> DeadLetterDetails::FromJson(absl::string_view text) {
  // The library reports malformed input by exceptions; they end here.
  try {
    const Json json = Json::parse(text.begin(), text.end());
    DeadLetterDetails details;
    const auto position = Position::Parse(json.at("position").get<std::string>());
    if (!position.ok()) return absl::DataLossError("a dead letter without a position");
    details.position = *position;
    details.cause = CauseNamed(json.value("cause", ""));
    details.reasons = json.value("reasons", std::vector<std::string>());
    details.attempts = json.value("attempts", uint32_t{0});
    details.times_delivered = json.value("times_delivered", uint32_t{0});
    details.first_delivery_ms = json.value("first_delivery_ms", uint64_t{0});
    details.dead_ms = json.value("dead_ms", uint64_t{0});
    details.redriven = json.value("redriven", uint32_t{0});
    details.instance = json.value("instance", "");
    details.subscriber = json.value("subscriber", "");
    return details;
  } catch (const Json::exception& error) {
    return absl::DataLossError(absl::StrCat("not the details of a dead letter: ", error.what()));
  }
}

}  // namespace eventbus
